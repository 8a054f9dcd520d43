// Matches of a regular expression in the whole answer, or in each of its lines.
#include "base/regex.h"

#include <algorithm>

#include "base/error.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

// A pattern comes from a benchmark file: one that searches longer counts as not found.
constexpr uint32_t kMatchLimit = 200'000;
constexpr uint32_t kDepthLimit = 2'000;

Result<Regex> read_pattern(const Json& program) {
  CUPEL_TRY(const std::string text, get_string(program, "pattern"));
  CUPEL_TRY(const bool case_sensitive, get_bool_or(program, "case_sensitive", true));
  auto pattern = Regex::compile(text, {.ignore_case = !case_sensitive,
                                       .multiline = true,
                                       .match_limit = kMatchLimit,
                                       .depth_limit = kDepthLimit});
  if (!pattern) {
    return corrupt_data("{}", pattern.error().message);
  }
  return pattern;
}

Result<std::unique_ptr<Decider>> parse_regex(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"pattern", "min", "max", "case_sensitive"}));
  CUPEL_TRY(const Regex pattern, read_pattern(program));
  CUPEL_TRY(Bounds bounds, read_bounds(program));
  bounds.min = program.contains("min") ? bounds.min : 1;
  return make_decider([=](std::string_view answer) { return bounds.hold(pattern.count(answer)); });
}

Result<std::unique_ptr<Decider>> parse_each_line(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"pattern", "min_lines", "case_sensitive"}));
  CUPEL_TRY(const Regex pattern, read_pattern(program));
  CUPEL_TRY(const int64_t min_lines, get_int_or(program, "min_lines", 1));
  return make_decider([=](std::string_view answer) {
    const auto lines = lines_of(answer);
    return static_cast<int64_t>(lines.size()) >= min_lines &&
           std::all_of(lines.begin(), lines.end(),
                       [&](std::string_view line) { return pattern.find(line).found; });
  });
}

}  // namespace

DeciderKind each_line() {
  return {.kind = "each_line",
          .summary = "every line matches a regular expression",
          .parse = &parse_each_line};
}

DeciderKind regex() {
  return {.kind = "regex", .summary = "matches of a regular expression", .parse = &parse_regex};
}

}  // namespace cupel::judge::decider
