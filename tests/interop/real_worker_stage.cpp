#include "tests/interop/real_worker_stage.hpp"

#include <fcntl.h>
#include <iostream>
#include <unistd.h>

#include "tests/interop/peer.hpp"

namespace cuttle::interop {

using sim::patience;

outgoing_stream stream_of(const std::string& bytes) {
  auto result = std::make_shared<stream_source>();
  result->bytes = bytes;
  result->length = static_cast<std::int64_t>(bytes.size());
  return result;
}

received_stream content_of(const std::string& bytes) {
  auto result = std::make_shared<stream_body>();
  result->bytes = bytes;
  result->length = static_cast<std::int64_t>(bytes.size());
  return result;
}

std::string text_of(const received_stream& stream) {
  if (stream->file.empty())
    return stream->bytes;
  std::string result(static_cast<std::size_t>(stream->length), '\0');
  auto file = ::open(stream->file.c_str(), O_RDONLY | O_CLOEXEC);
  auto count = ::read(file, result.data(), result.size());
  ::close(file);
  result.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return result;
}

// Bytes that do not compress.
std::string noise(std::size_t size) {
  std::string result(size, '\0');
  std::uint32_t state = 12'345;
  for (auto& c : result) {
    state = state * 1'664'525 + 1'013'904'223;
    c = static_cast<char>(state >> 24);
  }
  return result;
}

void RealWorker::SetUp() {
  if (!peer_program())
    GTEST_SKIP() << "CUTTLE_INTEROP_PEER is not set.";
  options.spool = folder_.path() / "spool";
  std::filesystem::create_directory(options.spool);
  options.on_worker = [this](const std::string&, bool up) {
    connected.change([up](int& count) { count += up ? 1 : -1; });
  };
  options.on_trouble = [this](const std::string& reason) {
    troubles.change([&](auto& all) { all.push_back(reason); });
  };
  pfx_ = folder_.path() / "worker.pfx";
  auto thumbprint = make_identity("worker", pfx_);
  server_ = std::make_unique<sim::octopus_server>(
    thread_, disk_, sim::server_identity(), options);
  auto port = server_->start();
  ASSERT_TRUE(port) << port.error().text;
  if (polls()) {
    relay_.lead_to(*port);
    server_->transport().trust(thumbprint);
    return;
  }
  halibut::worker_endpoint where;
  where.host = "127.0.0.1";
  where.port = relay_.port();
  where.thumbprints = {thumbprint};
  subscription_ = server_->add_listening_worker(where);
}

void RealWorker::start_worker(unsigned connections) {
  worker_.reset();
  words arguments{"dotnet",
                  *peer_program(),
                  "worker",
                  "--server-thumbprint",
                  server_->thumbprint(),
                  "--cert",
                  pfx_.string(),
                  "--work",
                  (folder_.path() / "work").string(),
                  "--verbose"};
  auto add = [&](words more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  if (polls())
    add({"--server", "127.0.0.1:" + std::to_string(relay_.port()),
         "--subscription", subscription_, "--connections",
         std::to_string(connections)});
  else
    add({"--listen", "127.0.0.1:0"});
  worker_ = std::make_unique<child_process>(
    arguments, std::map<std::string, std::string>{},
    folder_.path() / "worker.txt");
  if (!polls())
    await_listening();
}

void RealWorker::await_listening() {
  const std::string mark{"\"event\":\"listening\",\"port\":"};
  auto said = [&](const std::string& text) {
    auto at = text.find(mark);
    return at != std::string::npos && text.find('\n', at) != std::string::npos;
  };
  ASSERT_TRUE(worker_->wait_for_output(said)) << worker_->output();
  auto text = worker_->output();
  auto port = std::stoi(text.substr(text.find(mark) + mark.size()));
  relay_.lead_to(static_cast<std::uint16_t>(port));
}

void RealWorker::start_connected_worker(int connections) {
  start_worker(static_cast<unsigned>(connections));
  if (polls()) {
    ASSERT_TRUE(
      connected.wait([connections](int count) { return count == connections; }))
      << worker_->output();
  }
}

void RealWorker::TearDown() {
  if (HasFailure() && worker_) {
    std::cerr << worker_->output();
    for (auto& x : troubles.get())
      std::cerr << x << "\n";
  }
  worker_.reset();
  server_.reset();
}

std::future<sim::script_result> RealWorker::begin(start_script command) {
  command.task_id = "ServerTasks-1";
  auto promise = std::make_shared<std::promise<sim::script_result>>();
  sim::script_observer observer;
  observer.on_lines
    = [this](const std::vector<output_line>& some, process_state) {
        lines.change([&](auto& all) {
          for (auto& line : some)
            if (line.source != output_source::debug)
              all.push_back(line.text);
        });
      };
  observer.on_end = [promise](const sim::script_result& result) {
    promise->set_value(result);
  };
  server_->run(subscription_, std::move(command), std::move(observer));
  return promise->get_future();
}

start_script RealWorker::command(const std::string& body) {
  start_script result;
  result.ticket = sim::make_ticket();
  result.script_body = body;
  return result;
}

sim::script_result RealWorker::run(start_script what) {
  auto future = begin(std::move(what));
  return sim::scripted_pair::get(future);
}

halibut::call_result RealWorker::try_call(halibut::outgoing_request request) {
  auto promise = std::make_shared<std::promise<halibut::call_result>>();
  server_->call(subscription_, std::move(request),
                [promise](halibut::call_result result) {
                  promise->set_value(std::move(result));
                });
  auto future = promise->get_future();
  if (future.wait_for(patience) != std::future_status::ready)
    return fail(errc::deadline_exceeded, "The call did not end in time.");
  return future.get();
}

halibut::received_response RealWorker::call(halibut::outgoing_request request) {
  auto result = try_call(std::move(request));
  if (!result) {
    ADD_FAILURE() << result.error().text;
    return {};
  }
  return *result;
}

} // namespace cuttle::interop
