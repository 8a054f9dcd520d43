// A fenced code block.
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"language", "contains"}));
  CUPEL_TRY(const std::string language, get_string_or(program, "language", ""));
  CUPEL_TRY(const auto contains, read_strings(program, "contains"));
  const std::string wanted = to_lower_ascii(language);
  return make_decider([=](std::string_view answer) {
    std::string outside;
    const std::vector<Fence> fences = fences_of(answer, outside);
    return std::any_of(fences.begin(), fences.end(), [&](const Fence& fence) {
      return (wanted.empty() || fence.info == wanted) &&
             std::all_of(contains.begin(), contains.end(), [&](const std::string& text) {
               return fence.body.find(text) != std::string::npos;
             });
    });
  });
}

}  // namespace

DeciderKind code_block() {
  return {.kind = "code_block", .summary = "a fenced code block", .parse = &parse};
}

}  // namespace cupel::judge::decider
