// A port that accepts, against the program `openssl s_client`.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <openssl/pem.h>
#include <thread>

#include "listening_world.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

class SClient : public testing::Test {
protected:
  void SetUp() override {
    if (std::system("openssl version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "needs the program openssl";
    std::signal(SIGPIPE, SIG_IGN);
    auto file = std::fopen(pem().c_str(), "w");
    auto& self = server_identity();
    PEM_write_X509(file, static_cast<X509*>(self.x509()));
    PEM_write_PrivateKey(file, static_cast<EVP_PKEY*>(self.private_key()),
                         nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }

  std::string pem() const {
    return folder_.path() / "self.pem";
  }

  std::string output() const {
    std::ifstream in{folder_.path() / "output", std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// What the program prints with these options and that input. It is left once
  /// it printed `expected`; without one, the worker must end the connection.
  std::string run(const std::string& options, const std::string& input,
                  const std::string& expected = {}) const {
    // (what an earlier run printed is no answer to this one)
    std::filesystem::remove(folder_.path() / "output");
    auto command = "timeout 60 openssl s_client -connect 127.0.0.1:"
                   + std::to_string(worker_.port) + " " + options + " > '"
                   + (folder_.path() / "output").string() + "' 2>&1";
    auto pipe = ::popen(command.c_str(), "w");
    std::fwrite(input.data(), 1, input.size(), pipe);
    std::fflush(pipe);
    auto until = std::chrono::steady_clock::now() + patience;
    while (!expected.empty() && output().find(expected) == std::string::npos
           && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(10ms);
    ::pclose(pipe);
    return output();
  }

  std::string certificate() const {
    return " -cert " + pem() + " -key " + pem();
  }

  listening_world worker_;
  temporary_folder folder_;
};

const std::string server_line = "MX-SERVER 1.0\r\n";
const std::string hello = "MX\n\nMX-CLIENT 1.0\r\n\r\n";

} // namespace

TEST_F(SClient, IsAnsweredInBothVersions_HAL05_HAL26) {
  for (auto version : {"-tls1_2", "-tls1_3"}) {
    auto answer = run(version + certificate(), hello, server_line);
    EXPECT_NE(answer.find(server_line), std::string::npos) << answer;
  }
}

TEST_F(SClient, IsRefusedWithAnOlderVersion_HAL05) {
  for (auto version : {"-tls1", "-tls1_1"}) {
    auto answer = run(
      "-cipher ALL:@SECLEVEL=0 -quiet " + (version + certificate()), hello);
    EXPECT_EQ(answer.find(server_line), std::string::npos) << answer;
    EXPECT_NE(answer.find("alert"), std::string::npos) << answer;
  }
}

TEST_F(SClient, WithoutCertificateGetsNoByte_HAL13_HAL14) {
  auto answer = run("-quiet", hello);
  EXPECT_EQ(answer.find(server_line), std::string::npos) << answer;
}

TEST_F(SClient, GetsNoTicketAndResumesNothing_HAL15) {
  for (auto version : {"-tls1_2", "-tls1_3"}) {
    auto session = (folder_.path() / version).string();
    auto first = run(version + certificate() + " -sess_out " + session, hello,
                     server_line);
    EXPECT_NE(first.find(server_line), std::string::npos) << first;
    EXPECT_EQ(first.find("TLS session ticket:"), std::string::npos) << first;
    if (!std::filesystem::exists(session))
      continue;
    auto second = run(version + certificate() + " -sess_in " + session, hello,
                      server_line);
    EXPECT_EQ(second.find("Reused,"), std::string::npos) << second;
    EXPECT_NE(second.find(server_line), std::string::npos) << second;
  }
}

// The letter R asks for it.
TEST_F(SClient, MayNotRenegotiate_HAL16) {
  const std::string refusal = "no renegotiation";
  auto answer = run("-tls1_2" + certificate(), "R\n", refusal);
  EXPECT_NE(answer.find("RENEGOTIATING"), std::string::npos) << answer;
  EXPECT_NE(answer.find(refusal), std::string::npos) << answer;
}
