// A JSON Schema: compiled, then followed by tokens. What it accepts is JSON.
#include "base/json.h"
#include "decode/constraint/json_schema.h"
#include "fuzz/constraint_walk.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {

void json_schema(std::span<const uint8_t> input) {
  const auto [schema, choices] = split_at_zero(text_of(input));
  auto automaton = decode::constraint::compile_json_schema(schema, kMostNodes);
  if (!automaton) {
    check_error(automaton.error());
    return;
  }
  const std::string text =
      walk_masks(std::move(*automaton), input.subspan(input.size() - choices.size()));
  CUPEL_CHECK(text.empty() || parse_json(text).has_value(), text);
}

}  // namespace cupel::fuzz
