#include "fixture.hpp"
#include "programs/cuttle/deregister.hpp"

namespace cuttle::test {

namespace {

class Deregister : public Registration {
protected:
  octopus::answer<std::size_t> deregister(const std::string& thumbprint = {}) {
    deregister_options o;
    o.kubeconfig = options.kubeconfig;
    o.ca_file = options.ca_file;
    o.thumbprint = thumbprint;
    return deregister_once(o, environment());
  }
};

} // namespace

TEST_F(Deregister, DeletesTheRecordAndKeepsTheIdentity) {
  ASSERT_TRUE(run());
  rest->add_worker("Spaces-1", "other", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  auto before = stored();
  // The record says where, not the environment.
  env["ServerUrl"] = "https://elsewhere.invalid";
  env["Space"] = "Elsewhere";
  auto done = deregister();
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(*done, 1u);
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
  EXPECT_FALSE(stored().contains("Tentacle.Services.IsRegistered"));
  EXPECT_EQ(stored()["Tentacle.Certificate"], before["Tentacle.Certificate"]);
  // Twice is no mistake.
  done = deregister();
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(*done, 0u);
}

TEST_F(Deregister, CanBeFollowedByARegistrationAsTheSameWorker) {
  ASSERT_TRUE(run());
  auto print = stored()["Tentacle.CertificateThumbprint"];
  ASSERT_TRUE(deregister());
  auto again = run();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->what, register_result::kind::registered);
  EXPECT_EQ(stored()["Tentacle.CertificateThumbprint"], print);
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
}

TEST_F(Deregister, FindsAWorkerWithoutConfigMapByItsThumbprint) {
  ASSERT_TRUE(run());
  auto print = stored()["Tentacle.CertificateThumbprint"];
  env["OCTOPUS__K8STENTACLE__TENTACLECONFIGMAPNAME"] = "gone";
  EXPECT_EQ(deregister().error().what, octopus::mistake::config_map_missing);
  EXPECT_EQ(*deregister(print), 1u);
}

TEST_F(Deregister, LeavesTheConfigMapWhenTheServerRefuses) {
  ASSERT_TRUE(run());
  auto before = stored();
  env["ServerApiKey"] = "API-WRONG";
  EXPECT_EQ(deregister().error().what, octopus::mistake::credentials_refused);
  EXPECT_EQ(stored(), before);
}

} // namespace cuttle::test
