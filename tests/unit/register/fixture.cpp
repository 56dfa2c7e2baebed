#include "fixture.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "infra/octopus/session.hpp"

namespace cuttle::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void Registration::SetUp() {
  auto pattern = (fs::temp_directory_path() / "cuttle-reg-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder = pattern;
  auth = folder / "auth";
  fs::create_directory(auth);
  sim::embedded_cluster::options o;
  o.directory = folder / "cluster";
  cluster = std::make_unique<sim::embedded_cluster>(o);
  ASSERT_TRUE(cluster->start());
  cluster->put_config_map("tentacle-config", {});
  cluster->put_secret("tentacle-secret", {});
  options.kubeconfig = cluster->kubeconfig().string();
  options.patience = 20s;
  env = {{"ACCEPT_EULA", "Y"},
         {"WorkerEnabled", "true"},
         {"DeploymentTargetEnabled", "false"},
         {"AgentName", "k8s"},
         {"Space", "Default"},
         {"WorkerPools", "default-worker-pool"},
         {"ServerApiKey", "API-ADMIN"},
         {"OCTOPUS__K8STENTACLE__NAMESPACE", cluster->namespace_name()},
         {"OCTOPUS__K8STENTACLE__HELMCHARTVERSION", "3.0.0"}};
  serve();
}

void Registration::TearDown() {
  rest.reset();
  cluster.reset();
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

// The polling address is the REST port itself: `/handshake` answers there, and
// the thumbprint to pin is that of its certificate.
void Registration::serve(sim::octopus_rest::options o) {
  rest.reset();
  o.own_thumbprint = true;
  rest = std::make_unique<sim::octopus_rest>(std::move(o));
  auto port = rest->start();
  ASSERT_TRUE(port) << port.error().text;
  write_file("ca.pem", rest->authority());
  options.ca_file = folder / "ca.pem";
  env["ServerUrl"] = rest->url();
  env["ServerCommsAddresses"]
    = "https://127.0.0.1:" + std::to_string(*port) + "/";
}

settings::environment Registration::environment() const {
  return [this](const std::string& name) -> std::optional<std::string> {
    auto found = env.find(name);
    return found == env.end() ? std::nullopt : std::optional{found->second};
  };
}

octopus::answer<register_result> Registration::run() {
  return register_once(options, environment());
}

std::string Registration::mistake() {
  auto start = std::chrono::steady_clock::now();
  auto result = run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  if (result)
    return "none";
  sentence = result.error().text;
  EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("API-ADMIN"), std::string::npos) << sentence;
  EXPECT_GT(sentence.size(), 40u);
  return std::string{name_of(result.error().what)};
}

std::map<std::string, std::string> Registration::stored() const {
  return cluster->config_map("tentacle-config");
}

void Registration::write_file(const std::string& name,
                              const std::string& text) {
  std::ofstream{folder / name, std::ios::binary} << text;
}

// -- bad_port ---------------------------------------------------------------

struct bad_port::impl {
  std::uint16_t port = 0;
  int listener = -1;
  std::vector<int> sockets;
  std::atomic<bool> stopping = false;
  std::thread thread;
};

bad_port::bad_port(kind what, std::string answer)
  : impl_(std::make_unique<impl>()) {
  auto& x = *impl_;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  x.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (bind(x.listener, raw, size) != 0
      || getsockname(x.listener, raw, &size) != 0)
    throw std::runtime_error{"no port"};
  x.port = ntohs(address.sin_port);
  // A bound port that does not listen refuses, and nobody else gets it.
  if (what == kind::closed)
    return;
  listen(x.listener, what == kind::full ? 0 : 16);
  if (what == kind::full) {
    for (int i = 0; i < 4; ++i) {
      auto one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)connect(one, raw, size);
      x.sockets.push_back(one);
    }
    return;
  }
  if (what != kind::plain)
    return;
  x.thread = std::thread{[&x, answer] {
    while (!x.stopping) {
      pollfd item{x.listener, POLLIN, 0};
      if (poll(&item, 1, 50) != 1)
        continue;
      auto one = accept4(x.listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (one < 0)
        continue;
      char buffer[4096];
      auto got = recv(one, buffer, sizeof(buffer), 0);
      if (got > 0)
        (void)send(one, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(one);
    }
  }};
}

bad_port::~bad_port() {
  impl_->stopping = true;
  if (impl_->thread.joinable())
    impl_->thread.join();
  for (auto x : impl_->sockets)
    close(x);
  close(impl_->listener);
}

std::uint16_t bad_port::port() const {
  return impl_->port;
}

} // namespace cuttle::test
