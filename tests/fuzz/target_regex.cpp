// A pattern as constraint: compiled, then followed by tokens.
#include "decode/constraint/json_schema.h"
#include "fuzz/constraint_walk.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {

void regex(std::span<const uint8_t> input) {
  const auto [pattern, choices] = split_at_zero(text_of(input));
  auto automaton = decode::constraint::compile_regex(pattern, kMostNodes);
  if (!automaton) {
    check_error(automaton.error());
    return;
  }
  walk_masks(std::move(*automaton), input.subspan(input.size() - choices.size()));
}

}  // namespace cupel::fuzz
