// How often a word occurs.
#include "base/error.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"text", "min", "max", "case_sensitive", "whole_word"}));
  CUPEL_TRY(const std::string text, get_string(program, "text"));
  CUPEL_TRY(const Bounds bounds, read_bounds(program));
  CUPEL_TRY(const bool case_sensitive, get_bool_or(program, "case_sensitive", false));
  CUPEL_TRY(const bool whole_word, get_bool_or(program, "whole_word", true));
  return make_decider([=](std::string_view answer) {
    return bounds.hold(
        static_cast<size_t>(count_occurrences(answer, text, case_sensitive, whole_word)));
  });
}

}  // namespace

DeciderKind count() {
  return {.kind = "count", .summary = "how often a word occurs", .parse = &parse};
}

}  // namespace cupel::judge::decider
