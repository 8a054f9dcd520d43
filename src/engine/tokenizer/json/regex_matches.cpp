#include "engine/tokenizer/json/regex_matches.h"

#include "base/log.h"
#include "base/text.h"
#include "engine/tokenizer/json/split_regex.h"

namespace cupel::engine {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool special =
        std::string_view(R"(\^$.|?*+()[]{}#&-~)").find(c) != std::string_view::npos;
    out.append(special ? 1 : 0, '\\').push_back(c);
  }
  return out;
}

}  // namespace

TextMatches all_matches(const Regex& regex, std::string_view text) {
  TextMatches parts;
  size_t done = 0;
  size_t from = 0;
  bool after_match = false;
  while (from <= text.size()) {
    const Regex::Match match = regex.find(text, from);
    if (match.first_time) {
      log_warning("a pattern of the tokenizer gave up on {} bytes of text (said once)",
                  text.size() - done);
    }
    if (!match.found) {
      break;
    }
    const bool empty = match.end == match.begin;
    if (!empty || !after_match || match.begin != done) {
      if (match.begin > done) {
        parts.push_back({done, match.begin, false});
      }
      parts.push_back({match.begin, match.end, true});
      done = match.end;
      after_match = true;
    }
    from = match.end;
    if (empty) {
      from += from < text.size() ? decode_utf8(text, from).length : 1;
    }
  }
  if (done < text.size()) {
    parts.push_back({done, text.size(), false});
  }
  return parts;
}

Result<TextPattern> read_pattern(const JsonAt& json) {
  for (const std::string_view kind : {"String", "Regex"}) {
    if (json.find(kind)) {
      CUPEL_TRY(std::string text, json.text(kind));
      return TextPattern{std::move(text), kind == "Regex"};
    }
  }
  return json.mistyped(R"({"String": …} or {"Regex": …})");
}

Result<Regex> compile_pattern(const JsonAt& json, const TextPattern& pattern) {
  auto regex = pattern.is_regex ? compile_oniguruma(pattern.text)
                                : Regex::compile(escaped(pattern.text), {.unicode_classes = true});
  if (!regex) {
    Error error = std::move(regex).error();
    if (error.code == Code::kInvalidArgument) {
      error.code = Code::kCorruptData;  // the pattern is the file's, not the caller's
    }
    return in_context(std::move(error), json.path());
  }
  return regex;
}

}  // namespace cupel::engine
