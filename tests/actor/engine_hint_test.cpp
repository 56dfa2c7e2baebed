#include "actor_fixture.hpp"
#include "actors/engine_hint.hpp"

namespace cuttle::test {

namespace {

const script_ticket ticket{"Ticket-1"};

TEST(EngineHint, ExplainsAnInlineContainer_LIM01) {
  EXPECT_TRUE(builds_an_image("set -e\ndocker build -t x .\n"));
  EXPECT_FALSE(builds_an_image("echo docker; kubectl get pods"));
  EXPECT_EQ(engine_hint("/bin/bash: line 3: docker: command not found", true),
            "Building an inline execution container needs Docker, which is "
            "not available on a Kubernetes worker. Use a pre-built image.");
}

TEST(EngineHint, ExplainsAnImageAsPackage_LIM02) {
  for (auto line :
       {"Unable to log in Docker registry", "Unable to pull Docker image"})
    EXPECT_NE(engine_hint(line, false).find("package of the step"),
              std::string_view::npos)
      << line;
}

TEST(EngineHint, ExplainsAMissingEngine_LIM03_LIM04) {
  for (auto line :
       {"bash: docker: command not found", "sh: 1: docker: not found",
        "x.sh: line 7: docker-compose: command not found",
        "podman: command not found",
        "The term 'docker' is not recognized as a name of a cmdlet",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock"})
    EXPECT_FALSE(engine_hint(line, false).empty()) << line;
}

TEST(EngineHint, SaysNothingAboutOtherLines_LIM05) {
  for (auto line :
       {"", "docker", "mydocker: command not found", "docker is not needed",
        "bash: kubectl: command not found", "pulled docker.io/library/x"})
    EXPECT_TRUE(engine_hint(line, true).empty()) << line;
  EXPECT_TRUE(
    engine_hint(std::string(5'000, 'x') + "docker: not found", true).empty());
}

using HintTest = intake_fixture;

TEST_F(HintTest, LeadsTheLineOnceAndChangesNothing_LIM01_LIM02_LIM03_LIM05) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write(ticket, "before");
  cluster.write(ticket, "x: line 1: docker: command not found",
                output_source::err);
  cluster.write(ticket, "x: line 2: docker: command not found",
                output_source::err);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  auto end = status(ticket);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, 0) << "the script's own code";
  auto err = texts(end, output_source::err);
  ASSERT_EQ(err.size(), 3u);
  EXPECT_NE(err[0].find("not available on a Kubernetes worker"),
            std::string::npos);
  EXPECT_EQ(err[1], "x: line 1: docker: command not found");
  EXPECT_EQ(err[2], "x: line 2: docker: command not found");
}

} // namespace

} // namespace cuttle::test
