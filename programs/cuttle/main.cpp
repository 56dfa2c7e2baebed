// `cuttle run`, and nothing else: what people and jobs call now and then is in
// cuttle-tools beside this program, so that a worker maps none of it.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unistd.h>

#include "programs/cuttle/commands.hpp"

namespace {

namespace fs = std::filesystem;

// The options of a plain `run`; nothing for whatever has to be explained, such
// as a wrong flag: the other program knows all words.
std::optional<cuttle::run_options> plain_run(int argc, char** argv) {
  cuttle::run_options result;
  if (argc < 2 || std::string_view{argv[1]} != "run")
    return std::nullopt;
  constexpr std::string_view flag = "--kubeconfig";
  for (auto i = 2; i < argc; ++i) {
    std::string_view word{argv[i]};
    if (word == flag && i + 1 < argc)
      result.kubeconfig = argv[++i];
    else if (word.starts_with(flag)
             && word.substr(flag.size()).starts_with('='))
      result.kubeconfig = word.substr(flag.size() + 1);
    else
      return std::nullopt;
  }
  std::error_code ignored;
  if (result.kubeconfig && !fs::is_regular_file(*result.kubeconfig, ignored))
    return std::nullopt;
  return result;
}

int other_command(char** argv) {
  std::error_code error;
  auto program = fs::read_symlink("/proc/self/exe", error);
  program.replace_filename("cuttle-tools");
  ::execv(program.c_str(), argv);
  std::fprintf(stderr, "cuttle: %s can not be started: %s\n", program.c_str(),
               std::strerror(errno));
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (auto options = plain_run(argc, argv))
      return cuttle::run_worker(*options);
    return other_command(argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cuttle: %s\n", e.what());
    return 1;
  }
}
