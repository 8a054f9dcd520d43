#pragma once

#include <cstdint>
#include <optional>

#include "tensor/tensor.h"

namespace cupel::train {

/// What a forward pass is like, everywhere in it. A pass that is computed again (recompute.h) is
/// given the same one, and so draws the same dropout.
struct Pass {
  at::ScalarType compute = at::kFloat;  ///< of products
  /// Which draws dropout takes: another number, other draws. Absent: nothing is dropped.
  std::optional<uint64_t> dropout;

  /// The same in the type of what must be exact: routing.
  [[nodiscard]] Pass exact() const {
    return {.compute = compute == at::kDouble ? at::kDouble : at::kFloat, .dropout = dropout};
  }
};

}  // namespace cupel::train
