// An importance matrix in both of its forms.
#include <cmath>

#include "engine/checkpoint/importance.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {

void importance(std::span<const uint8_t> input) {
  const auto read = engine::Importance::from_bytes(std::as_bytes(input), "input.imatrix");
  if (!read) {
    check_error(read.error());
    return;
  }
  for (const std::string_view name : {"a", "blk.0.ffn_up.weight"}) {
    for (const float value : read->find(name)) {
      CUPEL_CHECK(std::isfinite(value) && value >= 0, "an importance that is no mean square");
    }
  }
}

}  // namespace cupel::fuzz
