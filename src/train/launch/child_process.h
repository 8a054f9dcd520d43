#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

#include "base/result.h"

namespace cupel::train {

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) {
      close(number_);
    }
  }
  [[nodiscard]] int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};
/// A pipe whose ends no program inherits. Errors: kUnavailable.
Result<Pipe> make_pipe();

struct ChildOptions {
  std::string program;                   ///< a path
  std::vector<std::string> arguments;    ///< without the program's own name
  std::vector<std::string> environment;  ///< NAME=VALUE, all of it
  std::optional<int> error_output;       ///< what is its standard error; then it has no output
  std::optional<int> inherited;          ///< a descriptor that it gets under the same number
  sigset_t signals{};                    ///< its mask
};

/// Starts a program in a process group of its own, without standard input. It is killed when the
/// calling thread ends. Errors: kNotFound, kFailedPrecondition - it does not start; kExhausted -
/// the system gives no process.
Result<pid_t> start_child(const ChildOptions& options);

}  // namespace cupel::train
