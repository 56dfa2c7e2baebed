// Calls and data streams over the wire: a Cuttle worker and a worker on the
// real library, one after the other, asked by the same server. Prints a table.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/wire/bare.hpp"
#include "benchmarks/wire/load.hpp"
#include "infra/tentacle/client.hpp"

using namespace cuttle;
using namespace std::chrono;

namespace {

struct settings {
  std::string peer;
  std::string only;
  std::vector<unsigned> connections{1, 5, 64};
  unsigned seconds = 5;
  unsigned warm_seconds = 3;
  std::size_t stream_mib = 64;
};

using bench::figures;
using bench::stage;

std::string load_average() {
  std::ifstream in{"/proc/loadavg"};
  std::string result;
  in >> result;
  return result;
}

void print_head(const char* what) {
  std::printf("\n%-8s %5s  %9s  %8s  %8s  %12s  %12s  %8s\n", what, "conns",
              "calls/s", "p50 ms", "p99 ms", "worker us/c", "server us/c",
              "MiB");
}

void print(bench::worker_kind kind, unsigned connections, const figures& x) {
  std::printf("%-8s %5u  %9.0f  %8.2f  %8.2f  %12.1f  %12.1f  %8.1f\n",
              bench::name_of(kind), connections, x.calls_a_second, x.p50_ms,
              x.p99_ms, x.worker_us, x.here_us, x.worker_resident_mib);
  std::fflush(stdout);
}

void print_stream(bench::worker_kind kind, unsigned connections, double mib,
                  const figures& x) {
  std::printf("%-8s %5u  %9.0f  %8.0f  %12.2f  %12.2f  %8.1f\n",
              bench::name_of(kind), connections, x.calls_a_second * mib,
              x.p50_ms, x.worker_us / mib / 1e3, x.here_us / mib / 1e3,
              x.worker_resident_mib);
  std::fflush(stdout);
}

bool any(const halibut::received_response&) {
  return true;
}

/// A script that runs and is silent; the cursor behind its lines.
get_status running_script(stage& where) {
  start_script command;
  command.ticket = sim::make_ticket();
  command.task_id = "ServerTasks-1";
  command.script_body = "sleep 900";
  where.call(tentacle::make_request(command));
  get_status request{command.ticket, 0};
  for (;;) {
    auto status
      = tentacle::read_status(where.call(tentacle::make_request(request)));
    if (!status || status->state == process_state::complete) {
      std::fprintf(stderr, "the script does not run\n");
      std::exit(1);
    }
    auto quiet = status->next_sequence == request.last_sequence;
    request.last_sequence = status->next_sequence;
    if (quiet && status->state == process_state::running)
      return request;
    std::this_thread::sleep_for(100ms);
  }
}

struct measured {
  bench::worker_kind kind;
  unsigned connections;
  figures capabilities;
  figures status;
  figures up;
  figures down;
};

measured run(bench::worker_kind kind, unsigned connections,
             const settings& how) {
  stage where{kind, connections, how.peer};
  auto warm = milliseconds{seconds{how.warm_seconds}};
  auto time = milliseconds{seconds{how.seconds}};
  measured result{kind, connections, {}, {}, {}, {}};
  result.capabilities = bench::run_calls(where, tentacle::make_get_capabilities,
                                         any, connections, warm, time);
  auto asked = running_script(where);
  result.status = bench::run_calls(
    where, [&] { return tentacle::make_request(asked); }, any, connections,
    warm, time);
  where.call(tentacle::make_request(complete_script{asked.ticket}));
  if (connections > 5)
    return result;
  // Noise, since nobody may gain from compressing it.
  auto source = std::make_shared<stream_source>();
  std::uint32_t state = 1;
  source->bytes.resize(how.stream_mib << 20);
  for (auto& c : source->bytes)
    c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
  source->length = static_cast<std::int64_t>(source->bytes.size());
  std::atomic<unsigned> next = 0;
  // More names than calls at once: the library refuses a file that it reads.
  auto name = [&](unsigned names) {
    return "bench/" + std::to_string(next++ % names) + ".bin";
  };
  result.up = bench::run_calls(
    where,
    [&] {
      return tentacle::make_upload(name(4 * connections), halibut::make_guid(),
                                   source);
    },
    [&](auto& x) {
      auto file = tentacle::read_upload(x);
      return file && file->length == source->length;
    },
    connections, warm, time);
  result.down = bench::run_calls(
    where, [&] { return tentacle::make_download(name(connections)); },
    [&](auto& x) {
      auto file = tentacle::read_download(x);
      return file && *file && (*file)->length == source->length;
    },
    connections, warm, time);
  return result;
}

} // namespace

int main(int argc, char** argv) {
  settings how;
  CLI::App app{"Cuttle and the real library on the wire, side by side"};
  app.add_option("--peer", how.peer,
                 "OctopusPeer.dll (tests/interop); without it the library is "
                 "left out");
  app.add_option("--only", how.only, "cuttle or library");
  app.add_option("--connections", how.connections);
  app.add_option("--seconds", how.seconds, "for each figure");
  app.add_option("--warm-seconds", how.warm_seconds, "before each figure");
  app.add_option("--stream-mib", how.stream_mib);
  CLI11_PARSE(app, argc, argv);
  std::vector<bench::worker_kind> kinds;
  if (how.only != "library")
    kinds.push_back(bench::worker_kind::cuttle);
  if (how.only != "cuttle" && !how.peer.empty())
    kinds.push_back(bench::worker_kind::library);
  std::printf("%ld cores, load average %s at the start\n",
              ::sysconf(_SC_NPROCESSORS_ONLN), load_average().c_str());
  std::vector<measured> all;
  for (auto connections : how.connections)
    for (auto kind : kinds)
      all.push_back(run(kind, connections, how));
  print_head("capab.");
  for (auto& x : all)
    print(x.kind, x.connections, x.capabilities);
  print_head("status");
  for (auto& x : all)
    print(x.kind, x.connections, x.status);
  for (auto up : {true, false}) {
    std::printf("\n%-8s %5s  %9s  %8s  %12s  %12s  %8s\n",
                up ? "upload" : "download", "conns", "MiB/s", "p50 ms",
                "worker ms/MiB", "server ms/MiB", "MiB");
    for (auto& x : all)
      if (x.connections <= 5)
        print_stream(x.kind, x.connections, static_cast<double>(how.stream_mib),
                     up ? x.up : x.down);
    auto bare
      = bench::run_bare(how.stream_mib, up, milliseconds{seconds{how.seconds}});
    std::printf("%-8s %5u  %9.0f  %8s  %12.2f  %12.2f\n", "bare", 1U,
                bare.mib_a_second, "",
                up ? bare.receiver_ms_a_mib : bare.sender_ms_a_mib,
                up ? bare.sender_ms_a_mib : bare.receiver_ms_a_mib);
  }
  std::printf("load average %s at the end\n", load_average().c_str());
}
