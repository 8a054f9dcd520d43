#pragma once

#include <vector>

#include "engine/model/description.h"
#include "tensor/tensor.h"
#include "train/model/linear.h"

namespace cupel::train {

/// The linear layers of one feed-forward block: down(act(gate(x)) · up(x)).
struct FeedForwardLinears {
  Linear gate;  ///< undefined in blocks without one
  Linear up;    ///< of fused blocks: gate and up, in this order
  Linear down;

  /// Calls visit(linear) for those that there are; `Self` may be const.
  template <typename Self, typename Visit>
  static void for_each(Self& self, const Visit& visit) {
    for (auto* linear : {&self.gate, &self.up, &self.down}) {
      if (linear->defined()) {
        visit(*linear);
      }
    }
  }
};

/// A layer's feed-forward: one block, or a router and its experts.
struct FeedForward {
  engine::FeedForwardDescription description;
  FeedForwardLinears dense;  ///< of layers with experts: the shared one, or undefined
  Linear router;             ///< [E, D]
  Linear shared_gate;        ///< [1, D]
  std::vector<FeedForwardLinears> experts;

  /// As FeedForwardLinears::for_each.
  template <typename Self, typename Visit>
  static void for_each(Self& self, const Visit& visit) {
    for (auto* linear : {&self.router, &self.shared_gate}) {
      if (linear->defined()) {
        visit(*linear);
      }
    }
    FeedForwardLinears::for_each(self.dense, visit);
    for (auto& expert : self.experts) {
      FeedForwardLinears::for_each(expert, visit);
    }
  }
};

/// Shapes: x [T, D] → [T, D] of the type `pass.compute`. Gradients flow through the weights of the
/// chosen experts, not through the choice.
at::Tensor feed_forward(const FeedForward& block, const at::Tensor& x, const Pass& pass);

/// Which experts a token uses, and how much.
struct ExpertChoices {
  at::Tensor experts;  ///< [T, K] int64, the most likely first; of equals the lowest
  at::Tensor weights;  ///< [T, K] of the type of the logits; gradients flow to them
};
/// By the router's logits [T, E], which are f32 or f64.
/// Source: engine::choose_experts, whose derivative it has.
ExpertChoices choose_experts(const at::Tensor& logits, const engine::ExpertsDescription& experts);

}  // namespace cupel::train
