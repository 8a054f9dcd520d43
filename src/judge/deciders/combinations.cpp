// Programs made of programs.
#include <algorithm>

#include "base/error.h"
#include "judge/decider_fields.h"

namespace cupel::judge::decider {
namespace {

using Parts = std::shared_ptr<std::vector<std::unique_ptr<Decider>>>;

Result<Parts> parse_parts(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"of"}));
  CUPEL_TRY(const Json* list, get_array(program, "of"));
  if (list->size() == 0) {
    return corrupt_data("\"of\" is empty");
  }
  auto parts = std::make_shared<std::vector<std::unique_ptr<Decider>>>();
  for (const Json& part : list->as_array()) {
    CUPEL_TRY(std::unique_ptr<Decider> decider, parse_decider_part(part));
    parts->push_back(std::move(decider));
  }
  return parts;
}

template <bool kAll>
Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY(const Parts parts, parse_parts(program));
  return make_decider([parts](std::string_view answer) {
    const auto passes = [&](const auto& part) { return part->decide(answer); };
    return kAll ? std::all_of(parts->begin(), parts->end(), passes)
                : std::any_of(parts->begin(), parts->end(), passes);
  });
}

Result<std::unique_ptr<Decider>> parse_not(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"of"}));
  CUPEL_TRY(const Json* part, get_object(program, "of"));
  CUPEL_TRY(std::unique_ptr<Decider> decider, parse_decider_part(*part));
  const std::shared_ptr<Decider> inner = std::move(decider);
  return make_decider([inner](std::string_view answer) { return !inner->decide(answer); });
}

}  // namespace

DeciderKind all() {
  return {.kind = "all", .summary = "all parts pass", .parse = &parse<true>};
}

DeciderKind any() {
  return {.kind = "any", .summary = "one part passes", .parse = &parse<false>};
}

DeciderKind not_() {
  return {.kind = "not", .summary = "the part fails", .parse = &parse_not};
}

}  // namespace cupel::judge::decider
