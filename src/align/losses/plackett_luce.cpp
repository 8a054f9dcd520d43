// Plackett-Luce: Luce 1959; the best of what is left is drawn again and again.
#include <vector>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

/// s [K], best first.
at::Tensor ranking_loss(const at::Tensor& s) {
  // What is left after i was drawn is s_i … s_K: a running sum from the end.
  const at::Tensor left = s.flip({0}).logcumsumexp(0).flip({0});  // [K]
  return (left - s).sum();
}

LossOutput run(const LossBatch& batch, const LossOptions& /*options*/) {
  std::vector<at::Tensor> values;
  for (const at::Tensor& group : split_groups(batch)) {
    values.push_back(ranking_loss(group));
  }
  return {.terms = {at::stack(values)}, .chosen_reward = {}, .rejected_reward = {}};
}

}  // namespace

LossInfo plackett_luce() {
  return {.name = "plackett_luce",
          .summary = "reward model from ranked lists: the whole order",
          .formula = "Σ_i [logsumexp_{j≥i} s_j − s_i], s = outputs, best first",
          .source = "Plackett 1975, \"The analysis of permutations\"",
          .form = LossForm::kRanked,
          .input = LossInput::kOutputs,
          .run = &run};
}

}  // namespace cupel::align::loss
