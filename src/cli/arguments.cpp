#include "cli/arguments.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/text.h"

namespace cupel::cli {

struct Arguments::Parser {
  CLI::App app;
  std::vector<std::string> flags = {"--help"};

  void remember(std::string_view flag) { flags.emplace_back(flag); }
};

Arguments::Arguments(std::string_view command, std::string_view summary)
    : parser_(std::make_unique<Parser>()) {
  parser_->app.name("cupel " + std::string(command));
  parser_->app.description(std::string(summary));
  parser_->app.set_help_flag("-h,--help", "Show this help");
  parser_->app.get_formatter()->column_width(34);
}

Arguments::~Arguments() = default;

void Arguments::text(std::string_view flag,
                     std::string_view value,
                     std::string& target,
                     std::string_view help,
                     bool required) {
  parser_->remember(flag);
  parser_->app.add_option(std::string(flag), target, std::string(help))
      ->type_name(std::string(value))
      ->required(required);
}

void Arguments::texts(std::string_view flag,
                      std::string_view value,
                      std::vector<std::string>& target,
                      std::string_view help,
                      bool required) {
  parser_->remember(flag);
  parser_->app.add_option(std::string(flag), target, std::string(help))
      ->type_name(std::string(value))
      ->required(required)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Arguments::choice(std::string_view flag,
                       const std::vector<std::string>& choices,
                       std::string& target,
                       std::string_view help) {
  parser_->remember(flag);
  const std::string names = join(choices, "|");
  parser_->app.add_option(std::string(flag), target, format("{} (default: {})", help, target))
      ->type_name(names)
      ->check([choices, names](const std::string& given) {
        const bool known = std::find(choices.begin(), choices.end(), given) != choices.end();
        return known ? std::string()
                     : format("\"{}\" is none of {}{}", printable(given), names,
                              did_you_mean(given, choices));
      });
}

void Arguments::integer(std::string_view flag,
                        std::string_view value,
                        int64_t& target,
                        std::string_view help,
                        int64_t low,
                        int64_t high) {
  parser_->remember(flag);
  parser_->app.add_option(std::string(flag), target, format("{} (default: {})", help, target))
      ->type_name(std::string(value))
      ->check(CLI::Range(low, high));
}

void Arguments::number(std::string_view flag,
                       std::string_view value,
                       double& target,
                       std::string_view help) {
  parser_->remember(flag);
  parser_->app.add_option(std::string(flag), target, format("{} (default: {})", help, target))
      ->type_name(std::string(value));
}

void Arguments::flag(std::string_view flag, bool& target, std::string_view help) {
  parser_->remember(flag);
  parser_->app.add_flag(std::string(flag), target, std::string(help));
}

void Arguments::positional(std::string_view value, std::string& target, std::string_view help) {
  parser_->app.add_option(std::string(value), target, std::string(help))->required();
}

Result<bool> Arguments::parse(const std::vector<std::string>& words) {
  for (const std::string& word :
       words) {  // before CLI11: it would name a mistyped flag without a hint
    const std::string name = word.substr(0, word.find('='));
    const auto& flags = parser_->flags;
    if (name.starts_with("--") && name.size() > 2 &&
        std::find(flags.begin(), flags.end(), name) == flags.end()) {
      return invalid_argument("{}: unknown flag {}{}; see {} --help", parser_->app.get_name(),
                              printable(name), did_you_mean(name, flags), parser_->app.get_name());
    }
    if (name == "--") {
      break;
    }
  }
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    parser_->app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return false;
  } catch (const CLI::ParseError& e) {
    const std::string reason = replace_all(e.what(), "\n", " ");
    return invalid_argument("{}: {}; see {} --help", parser_->app.get_name(), reason,
                            parser_->app.get_name());
  }
  return true;
}

std::string Arguments::help(std::string_view examples) const {
  std::string text = parser_->app.help();
  if (!examples.empty()) {
    text += "\nExamples:\n" + std::string(examples);
  }
  return text;
}

}  // namespace cupel::cli
