#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace cupel::train {

struct LaunchOptions {
  std::string program;                 ///< a path; empty: this program
  std::vector<std::string> arguments;  ///< without the program's own name
  int64_t processes = 1;               ///< 1 … 65536, all on this machine
  double grace_seconds = 10;           ///< between SIGTERM and SIGKILL to those that are left
};

struct LaunchEnd {
  int exit_code = 0;  ///< 0: all ended well; else that of the one that failed first, 128 + n of one
                      ///< that signal n ended
  std::string failure;  ///< which one failed, how, and what became of the others; empty: none
};

/// Starts the processes of a run on this machine, with the variables that `parallel_environment`
/// reads and a port of the loopback device that is theirs, and waits until all have ended.
///
/// Process 0 has the standard output and error of this one, the others have none: their lines of
/// errors (`cupel: …` but for notes, failed checks, uncaught exceptions) go to standard error with
/// the rank before them, the same line once. Nobody has standard input.
///
/// SIGINT and SIGTERM go to all of them; no other thread may wait for these meanwhile. When one
/// fails the others get SIGTERM, and SIGKILL where that was not enough. When this process ends,
/// however it does, they are killed; so call it from a thread that lives as long. OMP_NUM_THREADS
/// is set to the CPU's share of each, unless it is set.
///
/// Errors: kInvalidArgument - a number of processes outside its range; kNotFound,
/// kFailedPrecondition - the program does not start; kExhausted, kUnavailable - the system gives no
/// process, pipe or socket. Then none is left running.
Result<LaunchEnd> launch(const LaunchOptions& options);

}  // namespace cupel::train
