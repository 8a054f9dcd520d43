#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel::cli {

/// Flags and positionals of one command: a thin shell around CLI11, which stays inside
/// arguments.cpp. Targets hold the defaults and must outlive the parse.
class Arguments {
 public:
  Arguments(std::string_view command, std::string_view summary);
  ~Arguments();

  // `flag` is "--name"; `value` names the value in the help, e.g. "FILE".
  void text(std::string_view flag,
            std::string_view value,
            std::string& target,
            std::string_view help,
            bool required = false);
  /// The same where an empty text is not the same as none.
  void text(std::string_view flag,
            std::string_view value,
            std::optional<std::string>& target,
            std::string_view help);
  void texts(std::string_view flag,
             std::string_view value,
             std::vector<std::string>& target,
             std::string_view help,
             bool required = false);
  void choice(std::string_view flag,
              const std::vector<std::string>& choices,
              std::string& target,
              std::string_view help);
  void integer(std::string_view flag,
               std::string_view value,
               int64_t& target,
               std::string_view help,
               int64_t low,
               int64_t high);
  void number(std::string_view flag, std::string_view value, double& target, std::string_view help);
  void flag(std::string_view flag, bool& target, std::string_view help);
  /// Flags --NAME VALUE that the help does not list: each appends "NAME=VALUE" to `target`, in the
  /// order of the command line.
  void settings(const std::vector<std::string>& names, std::vector<std::string>& target);
  /// Flags --PREFIX.NAME VALUE, whatever NAME is: each is read as `as` PREFIX.NAME=VALUE, a flag
  /// that was declared before.
  void settings_below(std::string_view prefix, std::string_view as);
  /// What other programs call a flag: `named` gives ours, or nothing.
  void other_names(std::string_view (*named)(std::string_view name));
  void positional(std::string_view value,
                  std::string& target,
                  std::string_view help,
                  bool required = true);
  /// Any number of them, none too.
  void positionals(std::string_view value, std::vector<std::string>& target, std::string_view help);

  /// Parses what follows the command's name. True: run; false: help was asked for and is in
  /// `help()`. Errors: kInvalidArgument - one line, with a nearest-match hint for unknown flags.
  Result<bool> parse(const std::vector<std::string>& words);
  [[nodiscard]] std::string help(std::string_view examples) const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace cupel::cli
