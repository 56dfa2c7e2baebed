#include "programs/runner/supervisor.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cuttle::runner {

namespace {

constexpr int exit_after_signal = 255;
constexpr int marker_after_signal = -1;
// What a shell reports for a process that wrote into a closed pipe.
constexpr int exit_output_broken = 141;

timespec to_timespec(std::chrono::nanoseconds time) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

} // namespace

supervisor::supervisor(frame_output& output, script_process script, int signals,
                       std::chrono::seconds grace,
                       std::unique_ptr<worker_link> link)
  : output_(output), script_(script), signals_(signals), grace_(grace),
    link_(std::move(link)),
    inputs_{input{script.out, line_splitter{podlog::max_frame_text,
                                            [this](std::string_view line) {
                                              emit(output_source::out, line);
                                            }}},
            input{script.err, line_splitter{podlog::max_frame_text,
                                            [this](std::string_view line) {
                                              emit(output_source::err, line);
                                            }}}} {}

supervisor::~supervisor() {
  for (auto& from : inputs_)
    close_input(from);
}

int supervisor::run() {
  for (auto* text :
       {"##octopus[stdout-verbose]", "Kubernetes Script Pod started",
        "##octopus[stdout-default]"})
    emit(output_source::out, text);
  output_.flush(clock::now(), true);
  while (!finished())
    wait();
  for (auto& from : inputs_)
    close_input(from);
  auto marker = marker_after_signal;
  auto code = exit_after_signal;
  if (stop_code_)
    marker = code = *stop_code_;
  else if (status_ && WIFEXITED(*status_))
    marker = code = WEXITSTATUS(*status_);
  report_end(marker);
  if (output_.error() != 0) {
    std::fprintf(stderr,
                 "cuttle-runner: standard output can not be written: "
                 "%s\n",
                 std::strerror(output_.error()));
    return exit_output_broken;
  }
  return code;
}

bool supervisor::finished() const {
  return gave_up_
         || (status_ && inputs_[0].descriptor < 0 && inputs_[1].descriptor < 0);
}

void supervisor::emit(output_source source, std::string_view text) {
  auto frame = output_.add(source, text);
  if (link_ && !frame.empty())
    link_->add(output_.number(), frame);
}

// One turn of the loop.
void supervisor::wait() {
  std::array<pollfd, 5> polled{};
  polled[0] = {signals_, POLLIN, 0};
  // A negative descriptor is passed over.
  polled[1] = {output_.blocked() ? STDOUT_FILENO : -1, POLLOUT, 0};
  auto held = output_.full() || (link_ && link_->holding());
  for (std::size_t i = 0; i < 2; ++i)
    polled[2 + i] = {held ? -1 : inputs_[i].descriptor, POLLIN, 0};
  polled[4] = link_ ? link_->wants() : pollfd{-1, 0, 0};
  auto time = time_to_wait(clock::now());
  auto limit = to_timespec(time);
  auto ready = ::ppoll(polled.data(), polled.size(),
                       time == time.max() ? nullptr : &limit, nullptr);
  if (ready > 0) {
    if (polled[0].revents != 0)
      read_signals();
    for (std::size_t i = 0; i < 2; ++i)
      if (polled[2 + i].revents != 0)
        read_input(inputs_[i]);
  }
  auto now = clock::now();
  if (!output_.blocked() || polled[1].revents != 0)
    output_.flush(now);
  turn_link(now, polled[4].revents);
  if (output_.error() != 0 && !deadline_)
    stop(SIGTERM, exit_output_broken);
  check_deadline(now);
}

std::chrono::nanoseconds supervisor::time_to_wait(clock::time_point now) const {
  auto result = std::chrono::nanoseconds::max();
  auto consider = [&](clock::time_point when) {
    result = std::min(
      result, std::max(std::chrono::nanoseconds{0},
                       std::chrono::nanoseconds{std::max(when, now) - now}));
  };
  if (!output_.empty() && !output_.blocked() && output_.error() == 0)
    consider(output_.due());
  if (deadline_)
    consider(*deadline_);
  if (link_ && link_->due() != clock::time_point::max())
    consider(link_->due());
  return result;
}

void supervisor::read_input(input& from) {
  auto size = ::read(from.descriptor, buffer_.data(), buffer_.size());
  if (size > 0)
    from.lines.push({buffer_.data(), static_cast<std::size_t>(size)});
  else if (size == 0 || (errno != EAGAIN && errno != EINTR))
    close_input(from);
}

void supervisor::close_input(input& from) {
  if (from.descriptor < 0)
    return;
  from.lines.finish();
  ::close(from.descriptor);
  from.descriptor = -1;
}

void supervisor::read_signals() {
  signalfd_siginfo info;
  while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
    // First, so that a script that has ended keeps its own exit code.
    reap();
    auto signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGCHLD)
      stop(signal, 128 + signal);
  }
}

// Orphans are ours as well when the runner is process 1.
void supervisor::reap() {
  int status = 0;
  for (;;) {
    auto pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0)
      return;
    if (pid == script_.pid)
      status_ = status;
  }
}

// Passes a signal on to everything the script started [BR-13].
void supervisor::stop(int signal, int code) {
  ::kill(-script_.pid, signal);
  if (!status_ && !stop_code_)
    stop_code_ = code;
  if (link_)
    link_->hurry(clock::now());
  if (!deadline_)
    deadline_ = clock::now() + grace_;
}

void supervisor::check_deadline(clock::time_point now) {
  if (!deadline_ || now < *deadline_)
    return;
  if (killed_) {
    gave_up_ = true;
    return;
  }
  ::kill(-script_.pid, SIGKILL);
  killed_ = true;
  deadline_ = now + drain_time;
}

void supervisor::report_end(int marker) {
  for (auto* text :
       {"##octopus[stdout-verbose]", "Kubernetes Script Pod completed",
        "##octopus[stdout-default]"})
    emit(output_source::out, text);
  emit(output_source::debug, podlog::end_marker_text(marker));
  write_everything();
}

void supervisor::turn_link(clock::time_point now, short events) {
  if (!link_)
    return;
  link_->turn(now, events);
  auto complaint = link_->take_complaint();
  if (!complaint.empty())
    std::fprintf(stderr, "cuttle-runner: %s\n", complaint.c_str());
}

// The end marker waits for a slow reader as long as the pod lives; the link has
// limits of its own.
void supervisor::write_everything() {
  auto now = clock::now();
  output_.flush(now, true);
  if (link_)
    link_->no_more(now);
  while (output_.blocked() || (link_ && !link_->finished(now))) {
    std::array<pollfd, 3> polled{
      pollfd{output_.blocked() ? STDOUT_FILENO : -1, POLLOUT, 0},
      link_ ? link_->wants() : pollfd{-1, 0, 0}, pollfd{signals_, POLLIN, 0}};
    auto time = time_to_wait(now);
    auto limit = to_timespec(time);
    auto ready = ::ppoll(polled.data(), polled.size(),
                         time == time.max() ? nullptr : &limit, nullptr);
    now = clock::now();
    if (ready > 0 && polled[2].revents != 0)
      read_signals();
    if (output_.blocked())
      output_.flush(now, true);
    turn_link(now, ready > 0 ? polled[1].revents : short{0});
  }
  if (link_ && link_->close() != 0)
    std::fprintf(stderr,
                 "cuttle-runner: lines that the worker has not confirmed can "
                 "not be left in the workspace\n");
}

} // namespace cuttle::runner
