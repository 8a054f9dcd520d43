#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"
#include "train/model/pass.h"

namespace cupel::train {

/// x Wᵀ + b of parameters of any type, computed in `pass.compute`, which x has. Gradients flow to x
/// and to the parameters, in their own types; frozen ones cost no products.
at::Tensor linear_product(const at::Tensor& x,
                          const at::Tensor& weight,
                          const at::Tensor& bias,
                          const Pass& pass);

/// What takes the place of a linear layer's product: LoRA and its kin.
class LinearAdapter {
 public:
  virtual ~LinearAdapter() = default;
  /// The layer's output [T, O] for `input` [T, I], both of the type `pass.compute`.
  [[nodiscard]] virtual at::Tensor apply(const at::Tensor& input,
                                         const at::Tensor& weight,
                                         const at::Tensor& bias,
                                         const Pass& pass) const = 0;
  /// The tensors of its own that may be trained.
  [[nodiscard]] virtual std::vector<at::Tensor> tensors() const = 0;
};

/// What takes the place of looking up rows.
class EmbeddingAdapter {
 public:
  virtual ~EmbeddingAdapter() = default;
  /// [T, D] of the type of the parameters for ids [T].
  [[nodiscard]] virtual at::Tensor apply(const at::Tensor& ids,
                                         const at::Tensor& weight,
                                         const Pass& pass) const = 0;
};

/// The twin's table of token embeddings.
struct Embedding {
  std::string name;                                 ///< in transformers, without ".weight"
  at::Tensor weight;                                ///< [V, D]
  std::shared_ptr<const EmbeddingAdapter> adapter;  ///< or none

  /// Shapes: ids [T] → [T, D] of the type of the parameters.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& ids, const Pass& pass) const;
};

/// A linear layer of the twin: y = x Wᵀ + b.
struct Linear {
  std::string name;                              ///< in transformers, without ".weight"
  at::Tensor weight;                             ///< [O, I]; undefined: the model has no such layer
  at::Tensor bias;                               ///< [O] or undefined
  std::shared_ptr<const LinearAdapter> adapter;  ///< or none

  [[nodiscard]] bool defined() const { return weight.defined(); }
  /// Shapes: x [T, I] of any floating type → [T, O] of the type `pass.compute`. Gradients flow to x
  /// and to the parameters, in their own types.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, const Pass& pass) const;
  /// Appends its tensors, those of the adapter too.
  void add_tensors(std::vector<at::Tensor>& out) const;
};

}  // namespace cupel::train
