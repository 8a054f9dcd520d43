// The feed-forward block of the transformer: dense, or experts.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/runtime/transformer.h"

namespace cupel::engine {

void Transformer::feed_forward_block(const Strip& strip, size_t layer) {
  StripBuffers& work = strip.work;
  const LayerWeights& w = weights_.layers[layer];
  const FeedForwardDescription& ff = description_.layers[layer].feed_forward;
  const size_t row_count = strip.rows.size();
  const auto n = static_cast<int64_t>(row_count);
  float* hidden = hidden_of(strip);
  const ActivationRows input = description_.norm_place == NormPlace::kParallel
                                   ? activation_rows(work.normed.get(n, description_.width, twins_))
                                   : block_input(work, hidden, n, w.ffn_norm);
  if (ff.experts.count == 0) {
    const ActivationRows gated = run_gate(work, w.feed_forward, ff.activation, ff.width, input);
    add_block_output(work, w.feed_forward.down, gated, w.post_ffn_norm, hidden);
    return;
  }
  float* sum = work.block.get(row_count * static_cast<size_t>(description_.width));
  run_experts(work, w, ff, input, sum);
  add_rows(row_count, w.post_ffn_norm, sum, hidden);
}

ActivationRows Transformer::run_gate(StripBuffers& work,
                                     const FeedForwardWeights& weights,
                                     GateKind activation,
                                     int64_t width,
                                     const ActivationRows& input) {
  const ActivationBuffer gated = work.gated.get(input.rows, width, twins_);
  run_gated({.gate = &weights.gate.matrix,
             .up = &weights.up.matrix,
             .gate_bias = bias_of(weights.gate),
             .up_bias = bias_of(weights.up),
             .activation = activation,
             .input = input,
             .output = gated.values,
             .output_stride = width});
  quantise_rows(gated);
  return activation_rows(gated);
}

void Transformer::run_feed_forward(StripBuffers& work,
                                   const FeedForwardWeights& weights,
                                   GateKind activation,
                                   int64_t width,
                                   const ActivationRows& input,
                                   float* out) {
  const ActivationRows gated = run_gate(work, weights, activation, width, input);
  const LinearArgs down[] = {{.weight = &weights.down.matrix,
                              .bias = bias_of(weights.down),
                              .input = gated,
                              .output = out,
                              .output_stride = description_.width}};
  run_linears(down);
}

void Transformer::route(StripBuffers& work,
                        const PackedMatrix& router,
                        const ExpertsDescription& experts,
                        const ActivationRows& input) {
  const auto n = static_cast<size_t>(input.rows);
  const auto count = static_cast<size_t>(experts.count);
  const auto used = static_cast<size_t>(experts.used);
  float* logits = work.router_logits.get(n * count);
  const LinearArgs args[] = {
      {.weight = &router, .input = input, .output = logits, .output_stride = experts.count}};
  run_linears(args);
  work.choices.resize(n * used);
  for (size_t i = 0; i < n; ++i) {
    choose_experts({logits + i * count, count}, experts,
                   std::span(work.choices).subspan(i * used, used));
  }
  work.expert_rows.group(work.choices, experts.used, experts.count);
}

/// The rows of `entries`, quantised anew: the same bits as where they came from.
ActivationRows Transformer::gather_rows(StripBuffers& work,
                                        const ActivationRows& input,
                                        std::span<const ExpertRows::Entry> entries) {
  const ActivationBuffer part =
      work.expert_input.get(static_cast<int64_t>(entries.size()), input.cols, twins_);
  const auto width = static_cast<size_t>(input.cols);
  for (size_t i = 0; i < entries.size(); ++i) {
    std::memcpy(part.values + i * width, input.values + static_cast<size_t>(entries[i].row) * width,
                width * sizeof(float));
  }
  quantise_rows(part);
  return activation_rows(part);
}

// The sum of a row grows by its experts in ascending order, whatever the other rows choose.
void Transformer::run_experts(StripBuffers& work,
                              const LayerWeights& weights,
                              const FeedForwardDescription& ff,
                              const ActivationRows& input,
                              float* sum) {
  const auto n = static_cast<size_t>(input.rows);
  const auto width = static_cast<size_t>(description_.width);
  route(work, weights.router, ff.experts, input);
  std::fill(sum, sum + n * width, 0.0F);
  for (size_t e = 0; e < weights.experts.size(); ++e) {
    const std::span<const ExpertRows::Entry> entries = work.expert_rows.of(e);
    if (entries.empty()) {
      continue;
    }
    float* out = work.expert_output.get(entries.size() * width);
    run_feed_forward(work, weights.experts[e], ff.activation, ff.experts.width,
                     gather_rows(work, input, entries), out);
    for (size_t i = 0; i < entries.size(); ++i) {
      operators_->add_scaled(sum + static_cast<size_t>(entries[i].row) * width, entries[i].weight,
                             out + i * width, description_.width);
    }
  }
  if (ff.experts.shared_width > 0) {
    add_shared_expert(work, weights, ff, input, sum);
  }
}

void Transformer::add_shared_expert(StripBuffers& work,
                                    const LayerWeights& weights,
                                    const FeedForwardDescription& ff,
                                    const ActivationRows& input,
                                    float* sum) {
  const auto n = static_cast<size_t>(input.rows);
  const auto width = static_cast<size_t>(description_.width);
  float* gates = work.router_logits.get(n);
  const LinearArgs gate[] = {
      {.weight = &weights.shared_gate, .input = input, .output = gates, .output_stride = 1}};
  run_linears(gate);
  float* out = work.expert_output.get(n * width);
  run_feed_forward(work, weights.feed_forward, ff.activation, ff.experts.shared_width, input, out);
  for (size_t i = 0; i < n; ++i) {
    operators_->add_scaled(sum + i * width, 1 / (1 + std::exp(-gates[i])), out + i * width,
                           description_.width);
  }
}

}  // namespace cupel::engine
