#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"
#include "train/model/linear.h"

namespace cupel::train {

/// The low-rank adapter of one module.
struct LoraPart {
  std::string module;  ///< in transformers, without ".weight"
  at::Tensor weight;   ///< the model's own: [O, I], of an embedding [V, D]
  bool embedding = false;
  at::Tensor a;          ///< [r, I], of an embedding [r, V]
  at::Tensor b;          ///< [O, r], of an embedding [D, r]
  at::Tensor magnitude;  ///< m [O] of DoRA, else undefined
  double scale = 1;
  double dropout = 0;
  uint64_t seed = 0;       ///< of dropout
  uint64_t stream = 0;     ///< of this module's draws
  at::Tensor merged_norm;  ///< ‖W + s B A‖ by rows [O] at the time of a merge of DoRA

  /// s B A in the shape of the weight, in f32 or f64.
  [[nodiscard]] at::Tensor change() const;
};

/// ‖W + s B A‖ by rows [O], a constant of the backward pass.
at::Tensor row_norms(const LoraPart& part);

/// 0 where an input is dropped, else 1 / (1 - p): a function of seed, stream and `draw` alone.
/// Shapes: [rows, columns] of the type and on the device of `like`.
at::Tensor dropout_mask(const LoraPart& part, uint64_t draw, const at::Tensor& like);

/// A part in the place of a linear layer's product.
class LoraLinear final : public LinearAdapter {
 public:
  explicit LoraLinear(std::shared_ptr<const LoraPart> part) : part_(std::move(part)) {}
  [[nodiscard]] at::Tensor apply(const at::Tensor& input,
                                 const at::Tensor& weight,
                                 const at::Tensor& bias,
                                 const Pass& pass) const override;
  [[nodiscard]] std::vector<at::Tensor> tensors() const override;

 private:
  std::shared_ptr<const LoraPart> part_;
};

/// A part beside the rows of an embedding: E[id] + s A[:, id]ᵀ Bᵀ. Nothing is dropped, as in PEFT.
class LoraEmbedding final : public EmbeddingAdapter {
 public:
  explicit LoraEmbedding(std::shared_ptr<const LoraPart> part) : part_(std::move(part)) {}
  [[nodiscard]] at::Tensor apply(const at::Tensor& ids,
                                 const at::Tensor& weight,
                                 const Pass& pass) const override;

 private:
  std::shared_ptr<const LoraPart> part_;
};

}  // namespace cupel::train
