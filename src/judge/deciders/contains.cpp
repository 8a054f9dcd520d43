// Words or phrases that must, may or must not occur.
#include <algorithm>

#include "base/error.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"all", "any", "none", "case_sensitive", "whole_word"}));
  CUPEL_TRY(const auto all, read_strings(program, "all"));
  CUPEL_TRY(const auto any, read_strings(program, "any"));
  CUPEL_TRY(const auto none, read_strings(program, "none"));
  CUPEL_TRY(const bool case_sensitive, get_bool_or(program, "case_sensitive", false));
  CUPEL_TRY(const bool whole_word, get_bool_or(program, "whole_word", true));
  if (all.empty() && any.empty() && none.empty()) {
    return corrupt_data("needs \"all\", \"any\" or \"none\"");
  }
  return make_decider([=](std::string_view answer) {
    const auto has = [&](const std::string& needle) {
      return count_occurrences(answer, needle, case_sensitive, whole_word) > 0;
    };
    return std::all_of(all.begin(), all.end(), has) &&
           (any.empty() || std::any_of(any.begin(), any.end(), has)) &&
           std::none_of(none.begin(), none.end(), has);
  });
}

}  // namespace

DeciderKind contains() {
  return {.kind = "contains",
          .summary = "words or phrases that must, may or must not occur",
          .parse = &parse};
}

}  // namespace cupel::judge::decider
