// Cuttle's embedded Octopus server with a worker on the real Halibut.

#include "tests/interop/real_worker_stage.hpp"

namespace cuttle::interop {

using namespace std::chrono_literals;

TEST_P(RealWorker, RunsAScript) {
  start_connected_worker();
  auto result = run(command("echo one; sleep 0.2; echo two >&2; exit 5"));
  EXPECT_EQ(result.trouble.text, "");
  EXPECT_EQ(result.state, process_state::complete);
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(lines.get(), (words{"one", "two"}));
  EXPECT_EQ(result.lines.back().source, output_source::err);
  EXPECT_EQ(result.start_calls, 1u);
  EXPECT_EQ(result.complete_calls, 1u);
  auto age = std::chrono::system_clock::now() - result.lines.back().occurred;
  EXPECT_LT(age, 1min);
  EXPECT_GT(age, -1min);
}

TEST_P(RealWorker, DeliversEveryLineInOrder) {
  start_connected_worker();
  auto result = run(command("for ((i=1;i<=20000;i++)); do echo \"line $i of a "
                            "log that is long\"; done"));
  EXPECT_EQ(result.exit_code, 0);
  auto all = lines.get();
  ASSERT_EQ(all.size(), 20'000u);
  for (std::size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(all[i],
              "line " + std::to_string(i + 1) + " of a log that is long");
}

TEST_P(RealWorker, CancelsAScript) {
  start_connected_worker();
  auto what = command("echo running; sleep 300");
  auto ticket = what.ticket;
  auto future = begin(std::move(what));
  ASSERT_TRUE(lines.wait([](auto& all) { return !all.empty(); }));
  server_->cancel(ticket);
  auto result = sim::scripted_pair::get(future);
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.exit_code, exit_cancelled);
  EXPECT_EQ(result.complete_calls, 1u);
}

TEST_P(RealWorker, TakesArgumentsAndFilesWithTheScript) {
  start_connected_worker();
  auto what = command("printf '<%s>\\n' \"$@\"; sha256sum < big.bin | cut "
                      "-c1-64; cat dir/small.txt; head -c 4 secret.txt; echo");
  what.arguments = {"a b", "$HOME", "it's \"quoted\"", ""};
  auto big = noise(300'000);
  what.files.push_back({"big.bin", content_of(big), {}});
  what.files.push_back({"dir/small.txt", content_of("héllo\n"), {}});
  what.files.push_back({"empty.txt", content_of(""), {}});
  what.files.push_back({"secret.txt", content_of("hidden"), "password"});
  auto result = run(std::move(what));
  EXPECT_EQ(result.trouble.text, "");
  EXPECT_EQ(result.exit_code, 0);
  auto all = lines.get();
  ASSERT_EQ(all.size(), 7u);
  EXPECT_EQ(all[0], "<a b>");
  EXPECT_EQ(all[1], "<$HOME>");
  EXPECT_EQ(all[2], "<it's \"quoted\">");
  EXPECT_EQ(all[3], "<>");
  EXPECT_EQ(all[4].size(), 64u);
  EXPECT_EQ(all[5], "héllo");
  EXPECT_EQ(all[6], "IV__");
}

TEST_P(RealWorker, TransfersFilesBothWays) {
  start_connected_worker();
  for (std::size_t size : {5, 0, 70'000, 3'000'000}) {
    auto bytes = noise(size);
    auto stored = tentacle::read_upload(call(tentacle::make_upload(
      "some/file.bin", halibut::make_guid(), stream_of(bytes))));
    ASSERT_TRUE(stored) << stored.error().text;
    EXPECT_EQ(stored->length, static_cast<std::int64_t>(size));
    EXPECT_TRUE(stored->full_path.ends_with("/some/file.bin"));
    auto back
      = tentacle::read_download(call(tentacle::make_download("some/file.bin")));
    ASSERT_TRUE(back) << back.error().text;
    ASSERT_TRUE(*back);
    EXPECT_EQ((*back)->length, static_cast<std::int64_t>(size));
    EXPECT_TRUE(text_of(*back) == bytes);
  }
  auto missing
    = tentacle::read_download(call(tentacle::make_download("no/such/file")));
  ASSERT_TRUE(missing) << missing.error().text;
  EXPECT_EQ(*missing, nullptr);
}

TEST_P(RealWorker, AnswersForAnUnknownTicket) {
  start_connected_worker();
  auto status = tentacle::read_status(
    call(tentacle::make_request(get_status{{"nobodyKnowsThis"}, 7})));
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(status->state, process_state::complete);
  EXPECT_EQ(status->exit_code, exit_pod_not_found);
  EXPECT_EQ(status->next_sequence, 7);
  EXPECT_EQ(status->ticket.task_id, "nobodyKnowsThis");
  auto nothing = tentacle::read_nothing(
    call(tentacle::make_request(complete_script{{"nobodyKnowsThis"}})));
  EXPECT_TRUE(nothing);
}

TEST_P(RealWorker, SaysWhichErrorsARetryDoesNotCure) {
  start_connected_worker();
  auto refused = run(command("#peer:throw"));
  EXPECT_EQ(refused.trouble.code, errc::invalid_request);
  EXPECT_NE(refused.trouble.text.find("The worker was told to fail."),
            std::string::npos);
  EXPECT_EQ(refused.start_calls, 1u);
  auto service = tentacle::make_get_capabilities();
  service.service = "INoSuchService";
  auto method = tentacle::make_get_capabilities();
  method.method = "NoSuchMethod";
  auto arguments = tentacle::make_request(get_status{{"x"}, 0});
  arguments.params = tentacle::make_get_capabilities().params;
  for (auto& request : {service, method, arguments}) {
    auto answer = call(request);
    ASSERT_TRUE(answer.error) << request.service << "::" << request.method;
    auto status = tentacle::read_status(answer);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, errc::invalid_request)
      << answer.error->message;
  }
}

TEST_P(RealWorker, GoesOnAfterARestartOfTheServer) {
  start_connected_worker();
  auto future = begin(
    command("for i in $(seq 1 40); do echo line $i; sleep 0.1; done; exit 3"));
  ASSERT_TRUE(lines.wait([](auto& all) { return all.size() >= 3; }));
  server_->restart(1s);
  if (polls()) {
    ASSERT_TRUE(connected.wait([](int count) { return count == 0; }));
  }
  auto result = sim::scripted_pair::get(future);
  EXPECT_EQ(result.trouble.text, "");
  EXPECT_EQ(result.exit_code, 3);
  auto all = lines.get();
  ASSERT_EQ(all.size(), 40u);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i], "line " + std::to_string(i + 1));
  if (polls()) {
    EXPECT_TRUE(connected.wait([](int count) { return count == 3; }));
  }
}

TEST_P(RealWorker, RunsManyScriptsAtOnce) {
  start_connected_worker();
  std::vector<std::future<sim::script_result>> all;
  for (int i = 0; i < 24; ++i)
    all.push_back(begin(command("echo x; exit " + std::to_string(i))));
  for (int i = 0; i < 24; ++i) {
    auto result = sim::scripted_pair::get(all[static_cast<std::size_t>(i)]);
    EXPECT_EQ(result.trouble.text, "");
    EXPECT_EQ(result.exit_code, i);
  }
  EXPECT_EQ(lines.get().size(), 24u);
  EXPECT_EQ(troubles.get(), words{});
}

namespace {

class RealPollingWorker : public RealWorker {};
class RealListeningWorker : public RealWorker {};

} // namespace

TEST_P(RealListeningWorker, IsNotTakenForAnotherOne) {
  start_connected_worker();
  halibut::worker_endpoint where;
  where.host = "127.0.0.1";
  where.port = relay_.port();
  where.thumbprints = {sim::worker_identity().thumbprint()};
  server_->add_listening_worker(where);
  auto refused = try_call(tentacle::make_get_capabilities());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::forbidden) << refused.error().text;
}

TEST_P(RealPollingWorker, StaysConnectedWhileNothingIsToDo) {
  start_connected_worker();
  EXPECT_EQ(server_->transport().connections(subscription_), 3u);
  EXPECT_EQ(troubles.get(), words{});
}

INSTANTIATE_TEST_SUITE_P(Link, RealWorker,
                         testing::Values(link_mode::polling,
                                         link_mode::listening),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Link, RealPollingWorker,
                         testing::Values(link_mode::polling), name_of);
INSTANTIATE_TEST_SUITE_P(Link, RealListeningWorker,
                         testing::Values(link_mode::listening), name_of);

} // namespace cuttle::interop
