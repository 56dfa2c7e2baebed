#include "tests/folders.hpp"

namespace cuttle {

std::string tests_folder() {
  return std::string{CUTTLE_SOURCE_FOLDER} + "/tests";
}

std::string docs_folder() {
  return std::string{CUTTLE_SOURCE_FOLDER} + "/docs";
}

std::string profiles_folder() {
  return std::string{CUTTLE_SOURCE_FOLDER} + "/benchmarks/profiles";
}

std::string chart_folder() {
  return std::string{CUTTLE_SOURCE_FOLDER} + "/charts/kubernetes-worker";
}

std::string stock_chart_folder() {
  return tests_folder() + "/e2e/stock-chart";
}

std::string cuttle_program() {
  return CUTTLE_PROGRAM;
}

std::string runner_program() {
  return CUTTLE_RUNNER;
}

std::string runner_folder() {
  return CUTTLE_RUNNER_FOLDER;
}

} // namespace cuttle
