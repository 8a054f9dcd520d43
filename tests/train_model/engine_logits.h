#pragma once

#include <algorithm>
#include <span>

#include "engine/runtime/transformer.h"
#include "tensor/tensor.h"
#include "train_model/twin_fixture.h"

namespace cupel::train::test {

/// Logits [T, V] of the engine in its exact mode.
inline at::Tensor engine_logits(const engine::Checkpoint& file, std::span<const int64_t> ids) {
  const auto transformer =
      engine::Transformer::load(file, {.threads = 1, .activations = engine::Activations::kFloat32});
  CUPEL_CHECK(transformer.has_value(), transformer ? "" : transformer.error().message);
  engine::SequenceState sequence = (*transformer)->new_sequence();
  std::vector<engine::StepRow> rows;
  for (const int64_t id : ids) {
    rows.push_back({.sequence = &sequence, .token = static_cast<TokenId>(id), .logits = true});
  }
  const int64_t vocabulary = (*transformer)->description().vocabulary_size;
  at::Tensor logits = at::empty({static_cast<int64_t>(ids.size()), vocabulary}, at::kFloat);
  const auto keep = [&](size_t row, std::span<float> values) {
    std::copy(values.begin(), values.end(),
              logits.mutable_data_ptr<float>() + static_cast<int64_t>(row) * vocabulary);
  };
  const auto stepped = (*transformer)->step(rows, keep);
  CUPEL_CHECK(stepped.has_value(), stepped ? "" : stepped.error().message);
  return logits;
}

/// Log-probabilities [T - 1] of the ids after the first.
inline at::Tensor next_logps(const at::Tensor& logits, std::span<const int64_t> ids) {
  const at::Tensor labels = tensor_of(ids.subspan(1)).unsqueeze(1);
  return at::gather(at::log_softmax(logits.narrow(0, 0, labels.size(0)).to(at::kDouble), -1), -1,
                    labels)
      .squeeze(1);
}

}  // namespace cupel::train::test
