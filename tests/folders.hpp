#pragma once

#include <string>

namespace cuttle {

// Where this clone of the project is. All of it is compiled into one unit, so
// that a compiler cache finds the others for a clone in another folder.
// Absolute paths without a slash at the end; callable from any thread and
// before main.

/// The folder of the tests and what they read.
std::string tests_folder();
std::string docs_folder();
std::string profiles_folder();
/// Our chart, and the one that it takes over.
std::string chart_folder();
std::string stock_chart_folder();

/// The program `cuttle`, and the one that scripts run under.
std::string cuttle_program();
std::string runner_program();
/// The runner with its entry script, as an image has it.
std::string runner_folder();

} // namespace cuttle
