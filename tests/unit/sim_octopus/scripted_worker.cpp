#include "tests/unit/sim_octopus/scripted_worker.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace cuttle::sim {

namespace {

template <class... Ts>
struct overload : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overload(Ts...) -> overload<Ts...>;

std::string describe(const tentacle::service_call& call) {
  auto numbered = [](const char* name, std::int64_t sequence) {
    return std::string{name}.append(std::to_string(sequence));
  };
  return std::visit(
    overload{
      [](const tentacle::get_capabilities&) {
        return std::string{"GetCapabilities"};
      },
      [](const start_script&) { return std::string{"StartScript"}; },
      [&](const get_status& x) {
        return numbered("GetStatus ", x.last_sequence);
      },
      [&](const cancel_script& x) {
        return numbered("CancelScript ", x.last_sequence);
      },
      [](const complete_script&) { return std::string{"CompleteScript"}; },
      [](const upload_file&) { return std::string{"UploadFile"}; },
      [](const download_file&) { return std::string{"DownloadFile"}; },
    },
    call);
}

crypto::identity make_identity(const char* name) {
  return crypto::identity::generate(name).value();
}

} // namespace

temporary_folder::temporary_folder() {
  auto pattern
    = (std::filesystem::temp_directory_path() / "sim-octopus-XXXXXX").string();
  if (!::mkdtemp(pattern.data()))
    throw std::runtime_error{"no temporary folder could be made"};
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

const crypto::identity& server_identity() {
  static const auto identity = make_identity("Octopus Portal");
  return identity;
}

const crypto::identity& worker_identity() {
  static const auto identity = make_identity("Octopus Tentacle");
  return identity;
}

scripted_pair::scripted_pair() {
  options.spool = folder_.path();
  // The same curve in a tenth of the time; retries keep their real pauses.
  options.poll_first = std::chrono::milliseconds{10};
  options.poll_ceiling = std::chrono::milliseconds{50};
  options.on_worker = [this](const std::string&, bool up) {
    connected.change([up](int& count) { count += up ? 1 : -1; });
  };
}

scripted_pair::~scripted_pair() {
  worker_.reset();
  server_.reset();
}

void scripted_pair::start_server() {
  server_ = std::make_unique<octopus_server>(thread_, disk_, server_identity(),
                                             options);
  ASSERT_TRUE(server_->start());
  server_->transport().trust(worker_identity().thumbprint());
}

void scripted_pair::start_worker(answer_function how, unsigned connections) {
  halibut::server_endpoint to;
  to.host = "127.0.0.1";
  to.port = server_->port();
  to.thumbprints = {server_->thumbprint()};
  to.subscription = subscription_;
  halibut::polling_options with;
  with.connections = connections;
  with.backoff_min = std::chrono::milliseconds{20};
  with.backoff_max = std::chrono::milliseconds{100};
  with.spool = folder_.path();
  halibut::service_callbacks callbacks;
  callbacks.on_link = [](const halibut::link_event&) {};
  callbacks.on_request
    = [this, how = std::move(how)](halibut::rpc_request request,
                                   halibut::reply_function reply) {
        auto decoded = tentacle::decode(request);
        auto* call = std::get_if<tentacle::service_call>(&decoded);
        if (!call) {
          ADD_FAILURE() << request.service << "::" << request.method;
          return;
        }
        calls.change([&](auto& all) { all.push_back(describe(*call)); });
        if (std::holds_alternative<tentacle::get_capabilities>(*call)) {
          reply(tentacle::encode_capabilities(request.id));
          return;
        }
        auto result = how(*call);
        if (!result)
          reply(tentacle::encode(request.id, result.error()));
        else if (std::holds_alternative<complete_script>(*call))
          reply(tentacle::encode_nothing(request.id));
        else
          reply(tentacle::encode(request.id, *result));
      };
  worker_ = std::make_unique<halibut::polling_service>(
    thread_, disk_, worker_identity(), std::move(to), std::move(with),
    std::move(callbacks));
  worker_->start();
  auto expected = static_cast<int>(connections);
  ASSERT_TRUE(connected.wait([&](int count) { return count == expected; }));
}

std::future<script_result> scripted_pair::run(const script_ticket& ticket,
                                              const std::string& body) {
  start_script command;
  command.ticket = ticket;
  command.task_id = "ServerTasks-1";
  command.script_body = body;
  auto promise = std::make_shared<std::promise<script_result>>();
  script_observer observer;
  observer.on_lines
    = [this](const std::vector<output_line>& some, process_state) {
        lines.change([&](auto& all) {
          for (auto& line : some)
            all.push_back(line.text);
        });
      };
  observer.on_end
    = [promise](const script_result& result) { promise->set_value(result); };
  server_->run(subscription_, std::move(command), std::move(observer));
  return promise->get_future();
}

script_result scripted_pair::get(std::future<script_result>& result) {
  if (result.wait_for(patience) == std::future_status::ready)
    return result.get();
  ADD_FAILURE() << "The script did not end in time.";
  return {};
}

script_status status_of(const script_ticket& ticket, process_state state,
                        std::int64_t next_sequence,
                        std::vector<std::string> texts,
                        std::int32_t exit_code) {
  script_status result;
  result.ticket = ticket;
  for (auto& text : texts)
    result.lines.push_back(
      {output_source::out, std::chrono::system_clock::now(), text});
  result.next_sequence = next_sequence;
  result.state = state;
  result.exit_code = exit_code;
  return result;
}

} // namespace cuttle::sim
