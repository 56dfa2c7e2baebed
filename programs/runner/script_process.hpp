#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace cuttle::runner {

/// A running `bash`, leader of a session and a process group of its own.
struct script_process {
  pid_t pid = -1;
  /// Read ends of its standard output and error; non-blocking.
  int out = -1;
  int err = -1;
};

/// Path of `bash` after the image's `PATH`; empty when there is none.
std::string find_bash();

/// Points `HOME` to a new folder in the workspace if it names none that this
/// user can write to: many images say `/root`, and under another user every
/// tool that keeps its settings or a cache at home fails then (helm for one,
/// with which the server looks at a worker and upgrades it).
void provide_home(const std::string& directory);

/// Starts `bash <arguments…>` in `directory` with the environment of this
/// process, `/dev/null` as standard input, and no signal blocked or ignored
/// [BR-02]. Returns 0, or the number of the error.
int start_script(const std::string& bash, const std::string& directory,
                 const std::vector<std::string>& arguments,
                 script_process& result);

} // namespace cuttle::runner
