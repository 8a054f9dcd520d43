#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/model/description.h"
#include "engine/runtime/rope_table.h"
#include "tensor/tensor.h"
#include "train/model/attention.h"
#include "train/model/cast_weights.h"
#include "train/model/feed_forward.h"
#include "train/model/layout.h"
#include "train/model/linear.h"
#include "train/model/model.h"
#include "train/model/norm.h"
#include "train/model/pass.h"
#include "train/model/rotary.h"

namespace cupel::train {

struct TwinOptions {
  /// What products are computed in: f32; bf16 (over f32 parameters "bf16-mixed": what a layer adds
  /// to, norms, rotations, softmax and routing stay f32); f64.
  at::ScalarType compute = at::kFloat;
  /// Of each layer only the input is kept for the backward pass, which computes the layer again.
  bool recompute_layers = false;
};

/// The head of a model: logits = h Wᵀ + b, soft-capped where `softcap` > 0.
struct Head {
  at::Tensor weight;  ///< [V, D]
  at::Tensor bias;    ///< [V] or undefined
  double softcap = 0;
  /// Of the twin that it belongs to: what head_logps takes the weight in other types from, or none.
  std::shared_ptr<CastWeights> casts;
};

/// The parameters of one layer.
struct TwinLayer {
  NormParameters attention_norm;       ///< [D]
  NormParameters post_attention_norm;  ///< [D]
  NormParameters feed_forward_norm;    ///< [D]
  NormParameters post_feed_forward_norm;
  std::vector<at::Tensor> q_norm;  ///< one, or of each head its own
  std::vector<at::Tensor> k_norm;
  Linear q, k, v;  ///< undefined where they are fused
  Linear qkv;
  Linear output;
  FeedForward feed_forward;
  engine::AttentionDescription attention;
  size_t rotation = 0;  ///< which of the model's rotary variants

  /// As FeedForwardLinears::for_each, in the order of computation.
  template <typename Self, typename Visit>
  static void for_each_linear(Self& self, const Visit& visit) {
    for (auto* linear : {&self.q, &self.k, &self.v, &self.qkv, &self.output}) {
      if (linear->defined()) {
        visit(*linear);
      }
    }
    FeedForward::for_each(self.feed_forward, visit);
  }
  /// Every tensor that the layer is computed of, those of adapters too.
  [[nodiscard]] std::vector<at::Tensor> tensors() const;
};

/// What the layers need to know of a batch beside its ids.
struct BatchPlan {
  AttentionPlan attention;
  std::vector<Rotation> rotations;  ///< of each rotary variant
};

/// What a forward pass may do beside the usual.
struct ForwardOptions {
  /// [T, D], added to the embeddings (NEFTune); undefined: nothing.
  at::Tensor embedding_noise;
  /// Which draws the dropout of adapters takes (Pass); absent: evaluation, nothing is dropped.
  std::optional<uint64_t> dropout;
};

/// The differentiable twin of the engine's transformer: the same description over the parameters of
/// a ParameterSet, recorded for libtorch's backward pass. It holds the tensors themselves: what an
/// optimiser writes into them the next forward pass sees.
///
/// Letters: T tokens of a flat batch without padding, V vocabulary, D width, N heads, G key-value
/// heads, H head width, F feed-forward width.
///
/// Checked against: tests/train_model/parity_test.cpp (the engine and transformers, every family).
class Twin {
 public:
  /// Errors: kCorruptData - a parameter is missing or has another shape; kUnsupported - a
  /// parameter that the description has no place for, or dual chunk attention.
  static Result<Twin> create(const Model& model, const TwinOptions& options = {});

  [[nodiscard]] const engine::ModelDescription& description() const { return description_; }
  [[nodiscard]] const TwinOptions& options() const { return options_; }

  /// Errors: kUnsupported - LongRoPE's factors would differ for the branches of one document.
  Result<std::shared_ptr<const BatchPlan>> plan(const PackedLayout& layout);

  /// The final hidden states, normalised: what the head is applied to.
  /// Shapes: ids [T] int64, all inside the vocabulary → [T, D] of the parameters' type.
  /// With `recompute_layers` the twin must be there until the backward pass is done.
  [[nodiscard]] at::Tensor hidden(const at::Tensor& ids,
                                  const std::shared_ptr<const BatchPlan>& plan,
                                  const ForwardOptions& options = {}) const;
  [[nodiscard]] Head head() const;
  /// Logits [T, V] in f32, or f64 where parameters are. For tests and small batches: training uses
  /// head_logps, which holds no such tensor.
  [[nodiscard]] at::Tensor logits(const at::Tensor& hidden) const;

  /// Every linear layer of the blocks, in the order of computation. Adapters are set here; the
  /// pointers are valid as long as the object is neither moved nor gone.
  std::vector<Linear*> linears();
  [[nodiscard]] Embedding& embedding() { return embedding_; }

 private:
  friend class TwinBuilder;
  Twin() = default;
  /// What runs through the layers: x + addend, or x alone. It is added where the next norm reads
  /// it.
  struct Stream {
    at::Tensor x;       ///< [T, D] in the parameters' type, which sums stay in
    at::Tensor addend;  ///< [T, D] or undefined
    [[nodiscard]] at::Tensor sum() const { return addend.defined() ? x + addend : x; }
  };
  [[nodiscard]] Stream run_layer(const TwinLayer& layer,
                                 const Stream& stream,
                                 const BatchPlan& plan,
                                 const Pass& pass) const;
  [[nodiscard]] Stream run_layer_normed_after(const TwinLayer& layer,
                                              const Stream& stream,
                                              const BatchPlan& plan,
                                              const Pass& pass) const;
  [[nodiscard]] at::Tensor attention_block(const TwinLayer& layer,
                                           const at::Tensor& x,
                                           const BatchPlan& plan,
                                           const Pass& pass) const;
  [[nodiscard]] at::Tensor normed_heads(const at::Tensor& x,
                                        const std::vector<at::Tensor>& weights,
                                        engine::HeadNorm kind) const;

  engine::ModelDescription description_;
  TwinOptions options_;
  std::shared_ptr<CastWeights> casts_ = std::make_shared<CastWeights>();
  NormSettings norm_;
  Embedding embedding_;
  NormParameters output_norm_;
  Head head_;
  std::vector<TwinLayer> layers_;
  std::vector<engine::RopeDescription> rope_variants_;
  std::vector<engine::RopeTable> rope_tables_;
  std::unique_ptr<ThreadPool> threads_;  // fills the rotary tables
};

}  // namespace cupel::train
