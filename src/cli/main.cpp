#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/guard.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/handover.h"
#include "cli/output.h"
#include "cli/train_bodies.h"

namespace cupel::cli {

namespace command {
#define CUPEL_COMMAND(id) CommandInfo id();
#include "cli/commands.def"
#undef CUPEL_COMMAND
}  // namespace command

const std::vector<CommandInfo>& commands() {
  static const std::vector<CommandInfo> all = {
#define CUPEL_COMMAND(id) command::id(),
#include "cli/commands.def"
#undef CUPEL_COMMAND
  };
  return all;
}

namespace {

constexpr const char* kVersion = CUPEL_VERSION;

// One line, whatever a path, a server or a library put into it.
int fail(const Error& error) {
  std::fprintf(stderr, "cupel: %s\n", printable(error.message, error.message.size()).c_str());
  return exit_code(error.code);
}

std::string overview() {
  std::string text =
      "cupel - measure and run chat models\n\nUsage: cupel COMMAND [FLAGS]   (cupel COMMAND --help "
      "for one command)\n";
  for (const std::string_view group : {"Measure", "Train", "Run", "Inspect"}) {
    text += format("\n{}\n", group);
    for (const CommandInfo& info : commands()) {
      if (info.group == group) {
        text += format("  {:<16} {}\n", info.name, info.summary);
      }
    }
  }
  text +=
      "\nExample: cupel eval --bench touchstone --model a=models/a.gguf --model null:Hello \\\n"
      "           --judge judge=models/a.gguf --out runs/first\n";
  return text;
}

/// The command that the first words name, of two words where there is one.
Result<const CommandInfo*> find_command(const std::vector<std::string>& words) {
  const std::string& name = words[0];
  const std::string two = words.size() > 1 ? name + " " + words[1] : name;
  const CommandInfo* found = nullptr;
  std::vector<std::string> names;
  for (const CommandInfo& info : commands()) {
    if (info.name == two) {
      return &info;
    }
    if (info.name == name) {
      found = &info;
    }
    names.emplace_back(info.name);
  }
  if (found != nullptr) {
    return found;
  }
  return invalid_argument("unknown command \"{}\"{}; see cupel --help", printable(name),
                          did_you_mean(name, names));
}

int run(const std::vector<std::string>& words) {
  if (has_train()) {
    if (const auto same = check_handover(); !same) {
      return fail(same.error());
    }
  }
  if (words.empty()) {
    std::fputs(overview().c_str(), stderr);
    return 2;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print(overview());
    return 0;
  }
  if (words[0] == "--version") {
    print(format("cupel {}\n", kVersion));
    return 0;
  }
  if (words[0].starts_with("-")) {
    const std::vector<std::string> flags = {"--help", "--version"};
    return fail(invalid_argument("unknown flag {}{}; see cupel --help", printable(words[0]),
                                 did_you_mean(words[0], flags)));
  }
  const auto info = find_command(words);
  if (!info) {
    return fail(info.error());
  }
  const std::unique_ptr<Command> command = (*info)->make();
  Arguments arguments((*info)->name, (*info)->summary);
  command->declare(arguments);
  const auto name_words = 1 + std::count((*info)->name.begin(), (*info)->name.end(), ' ');
  const auto parsed = arguments.parse({words.begin() + name_words, words.end()});
  if (!parsed) {
    return fail(parsed.error());
  }
  if (!*parsed) {
    print(arguments.help((*info)->examples));
    return 0;
  }
  if (command->needs_train() && !has_train()) {
    return fail(hand_over(words));
  }
  const auto done = command->run();
  return done ? *done : fail(done.error());
}

}  // namespace
}  // namespace cupel::cli

int main(int argc, char** argv) {
  const auto code = cupel::guard([&]() -> cupel::Result<int> {
    return cupel::cli::run({argv + 1, argv + argc});
  });
  return code ? *code : cupel::cli::fail(code.error());
}
