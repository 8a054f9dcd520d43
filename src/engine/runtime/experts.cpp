#include "engine/runtime/experts.h"

#include <algorithm>
#include <cmath>

namespace cupel::engine {
namespace {

/// Index of the largest that is not in `taken`; the first of equals, 0 when there is none.
size_t largest(std::span<const float> logits, std::span<const ExpertChoice> taken) {
  size_t best = logits.size();
  for (size_t i = 0; i < logits.size(); ++i) {
    const bool free = std::none_of(taken.begin(), taken.end(), [i](const ExpertChoice& c) {
      return static_cast<size_t>(c.expert) == i;
    });
    if (free && (best == logits.size() || logits[i] > logits[best])) {
      best = i;
    }
  }
  return best == logits.size() ? 0 : best;
}

void choose_by_softmax(std::span<const float> logits,
                       bool renormalise,
                       std::span<ExpertChoice> choices) {
  for (size_t k = 0; k < choices.size(); ++k) {
    choices[k].expert = static_cast<int32_t>(largest(logits, choices.first(k)));
  }
  const float top = logits[static_cast<size_t>(choices.front().expert)];
  const auto power = [&](size_t i) { return std::exp(logits[i] - top); };
  float total = 0;
  if (renormalise) {
    for (const ExpertChoice& choice : choices) {
      total += power(static_cast<size_t>(choice.expert));
    }
  } else {
    for (size_t i = 0; i < logits.size(); ++i) {
      total += power(i);
    }
  }
  for (ExpertChoice& choice : choices) {
    choice.weight = power(static_cast<size_t>(choice.expert)) / total;
  }
}

void choose_by_sparse_mixer(std::span<const float> logits,
                            float near,
                            std::span<ExpertChoice> choices) {
  for (size_t k = 0; k < choices.size(); ++k) {
    const std::span<const ExpertChoice> taken = choices.first(k);
    const size_t best = largest(logits, taken);
    const float top = logits[best];
    float total = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      const bool used = std::any_of(taken.begin(), taken.end(), [i](const ExpertChoice& c) {
        return static_cast<size_t>(c.expert) == i;
      });
      const float distance = (top - logits[i]) / std::max(std::abs(logits[i]), top);
      total += used || distance > 2 * near ? 0 : std::exp(logits[i] - top);
    }
    choices[k] = {.expert = static_cast<int32_t>(best), .weight = 1 / total};
  }
}

}  // namespace

void choose_experts(std::span<const float> logits,
                    const ExpertsDescription& experts,
                    std::span<ExpertChoice> choices) {
  std::fill(choices.begin(), choices.end(), ExpertChoice{});
  if (experts.router == RouterKind::kSparseMixer) {
    choose_by_sparse_mixer(logits, static_cast<float>(experts.near), choices);
  } else {
    choose_by_softmax(logits, experts.renormalise, choices);
  }
}

void ExpertRows::group(std::span<const ExpertChoice> choices, int64_t used, int64_t experts) {
  begins.assign(static_cast<size_t>(experts) + 1, 0);
  for (const ExpertChoice& choice : choices) {
    ++begins[static_cast<size_t>(choice.expert) + 1];
  }
  for (size_t e = 0; e < static_cast<size_t>(experts); ++e) {
    begins[e + 1] += begins[e];
  }
  entries.resize(choices.size());
  next.assign(begins.begin(), begins.end() - 1);
  for (size_t i = 0; i < choices.size(); ++i) {
    const auto expert = static_cast<size_t>(choices[i].expert);
    entries[next[expert]++] = {.row = static_cast<int32_t>(i / static_cast<size_t>(used)),
                               .weight = choices[i].weight};
  }
}

}  // namespace cupel::engine
