#include "actors/engine_hint.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace cuttle {

namespace {

constexpr std::size_t longest_line = 4'000;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// `name` as a word of its own: not within another name or path.
bool has_word(std::string_view text, std::string_view name) {
  auto part_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'
           || c == '_' || c == '.';
  };
  for (auto i = text.find(name); i != std::string_view::npos;
       i = text.find(name, i + 1)) {
    auto after = i + name.size();
    if ((i == 0 || !part_of_name(text[i - 1]))
        && (after == text.size() || !part_of_name(text[after])))
      return true;
  }
  return false;
}

/// A shell or PowerShell says that the command is not there.
bool misses(std::string_view line, std::string_view command) {
  return has_word(line, command)
         && (has(line, std::string{command} + ": command not found")
             || has(line, std::string{command} + ": not found")
             || (has(line, std::string{"'"} + std::string{command} + "'")
                 && has(line, "is not recognized")));
}

} // namespace

bool builds_an_image(std::string_view script) {
  return has(script, "docker build") || has(script, "docker buildx")
         || has(script, "docker image build");
}

std::string_view engine_hint(std::string_view line, bool builds_image) {
  // (nearly every line, as quickly as can be)
  if (line.size() > longest_line || !(has(line, "Docker") || has(line, "not ")))
    return {};
  if (has(line, "Unable to log in Docker registry")
      || has(line, "Unable to pull Docker image"))
    return "A Docker image as a package of the step needs Docker on the "
           "worker, which is not available on a Kubernetes worker. Let the "
           "deployment target pull the image, or use a worker with Docker.";
  auto missed = misses(line, "docker") || misses(line, "docker-compose")
                || misses(line, "podman") || misses(line, "buildah")
                || has(line, "Cannot connect to the Docker daemon");
  if (!missed)
    return {};
  if (builds_image)
    return "Building an inline execution container needs Docker, which is not "
           "available on a Kubernetes worker. Use a pre-built image.";
  return "Docker is not available on a Kubernetes worker. Run this step on a "
         "worker with Docker, or use an execution container with a tool that "
         "needs no container engine.";
}

} // namespace cuttle
