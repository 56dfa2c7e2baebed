// Many at once, long streams, text of all the world, and connections that
// break, with a worker on the real Halibut.

#include <fstream>
#include <set>
#include <thread>

#include "infra/crypto/cipher.hpp"
#include "tests/interop/real_worker_stage.hpp"

namespace cuttle::interop {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t long_stream = 20'000'000;

// Two, three and four bytes in UTF-8, combining, right to left.
const words texts{"Grüße", "e\u0301 é", "日本語のテキスト", "שלום עולם",
                  "🦑 \U0010fffd"};

} // namespace

TEST_P(RealWorker, RunsFiftyScriptsAtOnceOverFiveConnections) {
  start_connected_worker(5);
  std::vector<std::future<sim::script_result>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(begin(command("echo x; sleep 1; exit " + std::to_string(i))));
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto result = sim::scripted_pair::get(all[i]);
    EXPECT_EQ(result.trouble.text, "");
    EXPECT_EQ(result.exit_code, static_cast<int>(i));
  }
  EXPECT_EQ(lines.get().size(), 50u);
  EXPECT_EQ(troubles.get(), words{});
}

TEST_P(RealWorker, TransfersTwentyMegabytesEachWay) {
  start_connected_worker();
  auto bytes = noise(long_stream);
  auto stored = tentacle::read_upload(call(
    tentacle::make_upload("long.bin", halibut::make_guid(), stream_of(bytes))));
  ASSERT_TRUE(stored) << stored.error().text;
  EXPECT_EQ(stored->length, static_cast<std::int64_t>(long_stream));
  auto back
    = tentacle::read_download(call(tentacle::make_download("long.bin")));
  ASSERT_TRUE(back) << back.error().text;
  ASSERT_TRUE(*back);
  EXPECT_TRUE(text_of(*back) == bytes);
}

TEST_P(RealWorker, KeepsTextBeyondAsciiAsItIs) {
  start_connected_worker();
  std::string body;
  for (auto& x : texts)
    body += "echo '" + x + "'\n";
  auto what = command(body + "printf '%s\\n' \"$@\"; cat -- *.txt");
  what.arguments = texts;
  what.files.push_back({texts[2] + ".txt", content_of(texts[3] + "\n"), {}});
  auto result = run(std::move(what));
  EXPECT_EQ(result.trouble.text, "");
  auto expected = texts;
  expected.insert(expected.end(), texts.begin(), texts.end());
  expected.push_back(texts[3]);
  EXPECT_EQ(lines.get(), expected);
  for (auto& x : texts) {
    auto stored = tentacle::read_upload(
      call(tentacle::make_upload(x, halibut::make_guid(), stream_of(x))));
    ASSERT_TRUE(stored) << stored.error().text;
    EXPECT_TRUE(stored->full_path.ends_with("/" + x)) << stored->full_path;
    auto back = tentacle::read_download(call(tentacle::make_download(x)));
    ASSERT_TRUE(back && *back);
    EXPECT_EQ(text_of(*back), x);
  }
  auto status = tentacle::read_status(
    call(tentacle::make_request(get_status{{texts[3]}, 0})));
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(status->ticket.task_id, texts[3]);
}

TEST_P(RealWorker, LosesNothingWhenConnectionsBreakAtEveryPhase) {
  auto plan = cuts_at_every_phase();
  relay_.cut_at(plan);
  start_worker(5);
  sim::temporary_folder folder;
  auto tally = folder.path() / "tally";
  auto count = 0;
  // A connection that serves one script only, as those to a listening worker
  // do, comes to the latest points as well: noise does not compress.
  auto bytes = noise(220'000);
  auto text = crypto::to_base64(crypto::as_bytes(bytes));
  // Until every connection that shall break has done so.
  while (relay_.cuts() < plan.size() && count < 1'000) {
    std::vector<std::future<sim::script_result>> all;
    for (auto i = 0; i < 20; ++i) {
      auto what
        = command("echo " + std::to_string(count++) + " >> '" + tally.string()
                  + "'; seq 200; base64 -w 0 data.bin; exit 3");
      what.files.push_back({"data.bin", content_of(bytes), {}});
      all.push_back(begin(std::move(what)));
    }
    for (auto& x : all) {
      ASSERT_EQ(x.wait_for(150s), std::future_status::ready);
      auto result = x.get();
      EXPECT_EQ(result.trouble.text, "");
      EXPECT_EQ(result.exit_code, 3);
      words own;
      for (auto& line : result.lines)
        if (line.source != output_source::debug)
          own.push_back(line.text);
      ASSERT_EQ(own.size(), 201u);
      for (std::size_t i = 0; i < 200; ++i)
        EXPECT_EQ(own[i], std::to_string(i + 1));
      EXPECT_TRUE(own[200] == text) << own[200].substr(0, 100);
    }
  }
  EXPECT_EQ(relay_.cuts(), plan.size());
  std::ifstream file{tally};
  std::set<std::string> once;
  auto ran = 0;
  for (std::string line; std::getline(file, line); ++ran)
    once.insert(line);
  EXPECT_EQ(ran, count);
  EXPECT_EQ(once.size(), static_cast<std::size_t>(count));
}

TEST_P(RealWorker, GivesUpAStreamWhenTheWorkerIsKilledAndServesTheNextOne) {
  start_connected_worker(1);
  auto bytes = noise(long_stream);
  auto upload = [&] {
    return tentacle::make_upload("long.bin", halibut::make_guid(),
                                 stream_of(bytes));
  };
  std::thread killer{[&] {
    auto until = std::chrono::steady_clock::now() + sim::patience;
    auto direction = polls() ? way::down : way::up;
    while (relay_.carried(direction) < 3'000'000
           && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(1ms);
    worker_->kill();
  }};
  auto broken = try_call(upload());
  killer.join();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, errc::unavailable) << broken.error().text;
  start_worker(1);
  auto stored = tentacle::read_upload(call(upload()));
  ASSERT_TRUE(stored) << stored.error().text;
  EXPECT_EQ(stored->length, static_cast<std::int64_t>(long_stream));
}

} // namespace cuttle::interop
