#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/model/description.h"

namespace cupel::engine {

/// One chosen expert of a row.
struct ExpertChoice {
  int32_t expert = 0;
  float weight = 0;
};

/// The experts of one row from the router's logits, by descending weight; equal logits: the lower
/// index first. Depends on the logits alone.
///
/// Shapes: logits [experts.count], choices [experts.used].
/// Sources: Qwen2 report (softmax over all experts, weights as they are or, with `renormalise`,
/// divided by their sum); SparseMixer as Phi-3.5-MoE runs it: each of two experts is weighted by a
/// softmax over the logits within 2 · near of the largest, relative to their magnitude.
void choose_experts(std::span<const float> logits,
                    const ExpertsDescription& experts,
                    std::span<ExpertChoice> choices);

/// The rows of each expert, in order: rows[begins[e] .. begins[e + 1]).
struct ExpertRows {
  struct Entry {
    int32_t row = 0;
    float weight = 0;
  };
  std::vector<Entry> entries;
  std::vector<size_t> begins;  // [experts + 1]
  std::vector<size_t> next;    // where an expert's next row goes; kept, so that no step allocates

  /// `choices` holds `used` choices of every row.
  void group(std::span<const ExpertChoice> choices, int64_t used, int64_t experts);
  [[nodiscard]] std::span<const Entry> of(size_t expert) const {
    return std::span(entries).subspan(begins[expert], begins[expert + 1] - begins[expert]);
  }
};

}  // namespace cupel::engine
