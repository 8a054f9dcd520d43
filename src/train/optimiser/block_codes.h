#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace cupel::train {

/// The 256 numbers of the dynamic map, ascending: 0, 1, and for i = 0 … 6 the midpoints of n equal
/// parts of [0.1, 1] scaled by 10^(i−6): n = 2^i with both signs, or n = 2^(i+1) unsigned.
/// Source: Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization", §2.1 and app. F.
std::vector<float> dynamic_map(bool has_sign);

/// Numbers kept as 8-bit codes of the dynamic map, in blocks of 256 that are scaled to their
/// largest magnitude.
class BlockCodes {
 public:
  static constexpr int64_t kBlock = 256;

  /// `elements` zeros on the device of `like`.
  BlockCodes(int64_t elements, bool has_sign, const at::Tensor& like);

  [[nodiscard]] int64_t blocks() const { return codes.size(0) / kBlock; }
  /// The numbers of blocks [first, first + count) as f32: [count · 256].
  [[nodiscard]] at::Tensor decode(int64_t first, int64_t count) const;
  /// The nearest codes of f32 numbers [count · 256], which are overwritten.
  void encode_(at::Tensor values, int64_t first);

  at::Tensor codes;   ///< [blocks · 256] uint8; of padding that of 0
  at::Tensor scales;  ///< [blocks] f32

 private:
  at::Tensor map_;      // [256] f32
  at::Tensor borders_;  // [255] f32: between two neighbours
};

}  // namespace cupel::train
