// Matches of a regular expression in the whole answer, or in each of its lines.
#include <algorithm>

#include "base/error.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"
#include "judge/pattern.h"

namespace cupel::judge::decider {
namespace {

Result<std::unique_ptr<Decider>> parse_regex(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"pattern", "min", "max", "case_sensitive"}));
  CUPEL_TRY(const std::string text, get_string(program, "pattern"));
  CUPEL_TRY(const bool case_sensitive, get_bool_or(program, "case_sensitive", true));
  CUPEL_TRY(const Pattern pattern, Pattern::compile(text, case_sensitive));
  CUPEL_TRY(Bounds bounds, read_bounds(program));
  bounds.min = program.contains("min") ? bounds.min : 1;
  return make_decider([=](std::string_view answer) { return bounds.hold(pattern.count(answer)); });
}

Result<std::unique_ptr<Decider>> parse_each_line(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"pattern", "min_lines", "case_sensitive"}));
  CUPEL_TRY(const std::string text, get_string(program, "pattern"));
  CUPEL_TRY(const bool case_sensitive, get_bool_or(program, "case_sensitive", true));
  CUPEL_TRY(const Pattern pattern, Pattern::compile(text, case_sensitive));
  CUPEL_TRY(const int64_t min_lines, get_int_or(program, "min_lines", 1));
  return make_decider([=](std::string_view answer) {
    const auto lines = lines_of(answer);
    return static_cast<int64_t>(lines.size()) >= min_lines &&
           std::all_of(lines.begin(), lines.end(),
                       [&](std::string_view line) { return pattern.count(line) > 0; });
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
