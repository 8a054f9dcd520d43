#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"

namespace cupel::cli {

/// One command: declares its flags, then runs. Only parses, calls modules and prints.
class Command {
 public:
  virtual ~Command() = default;
  virtual void declare(Arguments& arguments) = 0;
  /// Whether this call, with the flags that were parsed, needs libtorch: `cupel` then hands it over
  /// to cupel-train.
  [[nodiscard]] virtual bool needs_train() const { return false; }
  /// The exit code: 0 done, 1 ran but the check failed. Errors exit by their kind.
  virtual Result<int> run() = 0;
};

/// One line of commands.def and of `cupel --help`.
struct CommandInfo {
  std::string_view name;
  std::string_view group;  ///< heading in the help: "Measure", "Train", "Run" or "Inspect"
  std::string_view summary;
  std::string_view examples;
  std::unique_ptr<Command> (*make)();
};
const std::vector<CommandInfo>& commands();

template <typename T>
std::unique_ptr<Command> make_command() {
  return std::make_unique<T>();
}

}  // namespace cupel::cli
