// How the answer begins or ends.
#include "base/error.h"
#include "base/text.h"
#include "judge/decider_fields.h"

namespace cupel::judge::decider {
namespace {

template <bool kStart>
Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"text", "case_sensitive"}));
  CUPEL_TRY(std::string text, get_string(program, "text"));
  CUPEL_TRY(const bool case_sensitive, get_bool_or(program, "case_sensitive", false));
  if (!case_sensitive) {
    text = to_lower_ascii(text);
  }
  return make_decider([=](std::string_view answer) {
    const std::string folded = case_sensitive ? std::string(answer) : to_lower_ascii(answer);
    return kStart ? folded.starts_with(text) : folded.ends_with(text);
  });
}

}  // namespace

DeciderKind ends_with() {
  return {.kind = "ends_with", .summary = "how the answer ends", .parse = &parse<false>};
}

DeciderKind starts_with() {
  return {.kind = "starts_with", .summary = "how the answer begins", .parse = &parse<true>};
}

}  // namespace cupel::judge::decider
