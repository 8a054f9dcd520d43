#pragma once

#include <cstdint>
#include <unordered_map>

#include "tensor/tensor.h"

namespace cupel::train {

/// Copies of parameters in the type that products are computed in: made when a parameter is first
/// used and again when libtorch has counted a write to it, so once in an optimiser step and not in
/// every pass. Who writes past libtorch says so by tensor::count_write; all optimisers do.
class CastWeights {
 public:
  /// Valid until the parameter changes: the same memory then takes its new values.
  const at::Tensor& get(const at::Tensor& parameter, at::ScalarType type);

 private:
  struct Copy {
    at::Tensor parameter;  // kept, so that its address is no other's
    int64_t version = -1;
    at::Tensor values;
  };
  std::unordered_map<const void*, Copy> copies_;
};

}  // namespace cupel::train
