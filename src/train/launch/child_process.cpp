#include "train/launch/child_process.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/error.h"

namespace cupel::train {
namespace {

std::vector<char*> pointers_of(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

bool keep_open(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFD);
  return flags >= 0 && fcntl(descriptor, F_SETFD, flags & ~FD_CLOEXEC) == 0;
}

bool replace(int standard, int by) {
  return by >= 0 && dup2(by, standard) == standard;
}

/// Between fork and exec only what is safe in a signal handler may be called.
bool set_up_child(const ChildOptions& options, pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
    return false;
  }
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (!replace(STDIN_FILENO, nothing)) {
    return false;
  }
  if (options.error_output &&
      !(replace(STDOUT_FILENO, nothing) && replace(STDERR_FILENO, *options.error_output))) {
    return false;
  }
  if (options.inherited && !keep_open(*options.inherited)) {
    return false;
  }
  return sigprocmask(SIG_SETMASK, &options.signals, nullptr) == 0;
}

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return unavailable("cannot make a pipe: {}", std::strerror(errno));
  }
  return Pipe{.read = Descriptor(ends[0]), .write = Descriptor(ends[1])};
}

Result<pid_t> start_child(const ChildOptions& options) {
  std::vector<std::string> words = {options.program};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> variables = options.environment;
  const std::vector<char*> argv = pointers_of(words);
  const std::vector<char*> envp = pointers_of(variables);
  // Says why the program did not start; closes by itself when it did.
  CUPEL_TRY(Pipe failure, make_pipe());
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    return exhausted("cannot start a process: {}; ask for fewer, or raise `ulimit -u`",
                     std::strerror(errno));
  }
  if (child == 0) {
    if (set_up_child(options, parent)) {
      execve(options.program.c_str(), argv.data(), envp.data());
    }
    const int reason = errno;
    [[maybe_unused]] const auto written = write(failure.write.get(), &reason, sizeof(reason));
    _exit(127);
  }
  failure.write = Descriptor();
  int reason = 0;
  ssize_t bytes = 0;
  do {
    bytes = read(failure.read.get(), &reason, sizeof(reason));
  } while (bytes < 0 && errno == EINTR);
  if (bytes == 0) {
    return child;
  }
  waitpid(child, nullptr, 0);
  const std::string text = format("{} does not start: {}", options.program, std::strerror(reason));
  return Error{reason == ENOENT ? Code::kNotFound : Code::kFailedPrecondition, text};
}

}  // namespace cupel::train
