#include "cli/arguments.h"

#include <cctype>
#include <charconv>
#include <map>
#include <set>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/text.h"

namespace cupel::cli {

namespace {

bool looks_like_flag(const std::string& word) {
  const bool number =
      word.size() > 1 && (std::isdigit(static_cast<unsigned char>(word[1])) != 0 || word[1] == '.');
  return word.size() > 1 && word[0] == '-' && !number;
}

}  // namespace

struct Arguments::Parser {
  struct Flag {
    std::string value;  // how its value is called, empty when it takes none
    bool repeats = false;
  };

  CLI::App app;
  std::string command;
  std::map<std::string, Flag> flags = {{"--help", {}}, {"-h", {}}};
  std::string open_prefix;  // "--PREFIX.", of flags whose names are not known
  std::string open_flag;    // which one takes them
  std::string_view (*named_elsewhere)(std::string_view name) = nullptr;

  void remember(std::string_view flag, std::string_view value, bool repeats = false) {
    flags[std::string(flag)] = {std::string(value), repeats};
  }

  [[nodiscard]] Error wrong(const std::string& reason) const {
    return invalid_argument("{}: {}; see cupel {} --help", command, reason, command);
  }

  /// The words with flags below the prefix as the flag that takes them.
  [[nodiscard]] Result<std::vector<std::string>> spelt_out(
      const std::vector<std::string>& words) const {
    std::vector<std::string> out;
    for (size_t i = 0; i < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      const std::string name = words[i].substr(0, equals);
      if (words[i] == "--") {
        out.insert(out.end(), words.begin() + static_cast<ptrdiff_t>(i), words.end());
        break;
      }
      if (open_prefix.empty() || !name.starts_with(open_prefix)) {
        out.push_back(words[i]);
        continue;
      }
      if (equals == std::string::npos && i + 1 == words.size()) {
        return wrong(name + " needs a value (VALUE)");
      }
      out.push_back(open_flag);
      out.push_back(name.substr(2) + "=" +
                    (equals == std::string::npos ? words[++i] : words[i].substr(equals + 1)));
    }
    return out;
  }

  // Before CLI11, which names a mistyped flag without a hint, takes the next flag for a missing
  // value, and refuses texts that begin with "--".
  [[nodiscard]] Result<Ok> check(const std::vector<std::string>& words) const {
    std::set<std::string> given;
    for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
      if (!looks_like_flag(words[i])) {
        continue;
      }
      const std::string name = words[i].substr(0, words[i].find('='));
      const auto flag = flags.find(name);
      if (flag == flags.end()) {
        return wrong("unknown flag " + printable(name) + hint_of(name));
      }
      if (!given.insert(name).second && !flag->second.repeats) {
        return wrong(name + " is given twice");
      }
      if (flag->second.value.empty() || name.size() < words[i].size()) {
        continue;
      }
      ++i;
      if (i == words.size() || flags.contains(words[i].substr(0, words[i].find('=')))) {
        return wrong(name + " needs a value (" + flag->second.value + ")");
      }
    }
    return Ok{};
  }

 private:
  [[nodiscard]] std::string hint_of(const std::string& name) const {
    const std::string_view ours =
        named_elsewhere != nullptr && name.starts_with("--") ? named_elsewhere(name.substr(2)) : "";
    return ours.empty() ? did_you_mean(name, names()) : format(" (here it is --{})", ours);
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, flag] : flags) {
      if (name.starts_with("--")) {
        all.push_back(name);
      }
    }
    return all;
  }
};

Arguments::Arguments(std::string_view command, std::string_view summary)
    : parser_(std::make_unique<Parser>()) {
  parser_->command = std::string(command);
  parser_->app.name("cupel " + parser_->command);
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
  parser_->remember(flag, value);
  parser_->app.add_option(std::string(flag), target, std::string(help))
      ->type_name(std::string(value))
      ->required(required);
}

void Arguments::text(std::string_view flag,
                     std::string_view value,
                     std::optional<std::string>& target,
                     std::string_view help) {
  parser_->remember(flag, value);
  parser_->app
      .add_option_function<std::string>(
          std::string(flag), [&target](const std::string& text) { target = text; },
          std::string(help))
      ->type_name(std::string(value));
}

void Arguments::texts(std::string_view flag,
                      std::string_view value,
                      std::vector<std::string>& target,
                      std::string_view help,
                      bool required) {
  parser_->remember(flag, value, true);
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
  const std::string names = join(choices, "|");
  parser_->remember(flag, names);
  parser_->app
      .add_option(std::string(flag), target,
                  target.empty() ? std::string(help) : format("{} (default: {})", help, target))
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
  parser_->remember(flag, value);
  parser_->app.add_option(std::string(flag), target, format("{} (default: {})", help, target))
      ->type_name(std::string(value))
      ->check([low, high](const std::string& given) {
        int64_t number = 0;
        const char* end = given.data() + given.size();
        const auto [rest, error] = std::from_chars(given.data(), end, number);
        const bool fits = error == std::errc() && rest == end && number >= low && number <= high;
        return fits
                   ? std::string()
                   : format("\"{}\" is no whole number from {} to {}", printable(given), low, high);
      });
}

void Arguments::number(std::string_view flag,
                       std::string_view value,
                       double& target,
                       std::string_view help) {
  parser_->remember(flag, value);
  parser_->app.add_option(std::string(flag), target, format("{} (default: {})", help, target))
      ->type_name(std::string(value))
      ->check([](const std::string& given) {
        double number = 0;
        const char* end = given.data() + given.size();
        const auto [rest, error] = std::from_chars(given.data(), end, number);
        return error == std::errc() && rest == end
                   ? std::string()
                   : format("\"{}\" is no number", printable(given));
      });
}

void Arguments::flag(std::string_view flag, bool& target, std::string_view help) {
  parser_->remember(flag, "");
  parser_->app.add_flag(std::string(flag), target, std::string(help));
}

void Arguments::settings(const std::vector<std::string>& names, std::vector<std::string>& target) {
  for (const std::string& name : names) {
    parser_->remember("--" + name, "VALUE");
    parser_->app
        .add_option_function<std::string>(
            "--" + name,
            [name, &target](const std::string& value) { target.push_back(name + "=" + value); })
        ->group("");
  }
}

void Arguments::settings_below(std::string_view prefix, std::string_view as) {
  parser_->open_prefix = "--" + std::string(prefix) + ".";
  parser_->open_flag = std::string(as);
}

void Arguments::other_names(std::string_view (*named)(std::string_view name)) {
  parser_->named_elsewhere = named;
}

void Arguments::positional(std::string_view value,
                           std::string& target,
                           std::string_view help,
                           bool required) {
  parser_->app.add_option(std::string(value), target, std::string(help))->required(required);
}

void Arguments::positionals(std::string_view value,
                            std::vector<std::string>& target,
                            std::string_view help) {
  parser_->app.add_option(std::string(value), target, std::string(help));
}

Result<bool> Arguments::parse(const std::vector<std::string>& words) {
  CUPEL_TRY(const std::vector<std::string> all, parser_->spelt_out(words));
  CUPEL_TRY_VOID(parser_->check(all));
  std::vector<std::string> reversed(all.rbegin(), all.rend());
  try {
    parser_->app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return false;
  } catch (const CLI::ParseError& e) {
    return parser_->wrong(replace_all(e.what(), "\n", " "));
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
