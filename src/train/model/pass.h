#pragma once

#include <cstdint>
#include <optional>

#include "tensor/tensor.h"
#include "train/model/cast_weights.h"

namespace cupel::train {

/// What a forward pass is like, everywhere in it. A pass that is computed again (recompute.h) is
/// given the same one, and so draws the same dropout.
struct Pass {
  at::ScalarType compute = at::kFloat;  ///< of products
  /// Which draws dropout takes: another number, other draws. Absent: nothing is dropped.
  std::optional<uint64_t> dropout;
  /// Parameters in the type of products, kept from pass to pass; null: cast where they are used.
  CastWeights* casts = nullptr;

  /// A parameter in the type of products. Gradients do not flow to it.
  [[nodiscard]] at::Tensor cast(const at::Tensor& parameter) const {
    const at::Tensor values = parameter.detach();
    return parameter.scalar_type() == compute || casts == nullptr ? values.to(compute)
                                                                  : casts->get(parameter, compute);
  }
  /// The same in the type of what must be exact: routing.
  [[nodiscard]] Pass exact() const {
    return {.compute = compute == at::kDouble ? at::kDouble : at::kFloat,
            .dropout = dropout,
            .casts = casts};
  }
};

}  // namespace cupel::train
