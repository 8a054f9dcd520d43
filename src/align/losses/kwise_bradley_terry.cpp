// K-wise Bradley-Terry: Ouyang et al. 2022: all pairs of one prompt, averaged.
#include <vector>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

/// s [K], best first: every pair once.
at::Tensor ranking_loss(const at::Tensor& s) {
  const at::Tensor differences = s.unsqueeze(1) - s.unsqueeze(0);  // [K,K]
  const at::Tensor upper = at::ones_like(differences, at::kBool).triu(1);
  return -at::log_sigmoid(differences.masked_select(upper)).mean();
}

LossOutput run(const LossBatch& batch, const LossOptions& /*options*/) {
  std::vector<at::Tensor> values;
  for (const at::Tensor& group : split_groups(batch)) {
    values.push_back(ranking_loss(group));
  }
  return {.terms = {at::stack(values)}, .chosen_reward = {}, .rejected_reward = {}};
}

}  // namespace

LossInfo kwise_bradley_terry() {
  return {.name = "kwise_bradley_terry",
          .summary = "reward model from ranked lists: all pairs of a prompt",
          .formula = "mean over i < j of −ℓ(s_i − s_j), s = outputs, best first",
          .source = "Ouyang et al. 2022 (arXiv 2203.02155)",
          .form = LossForm::kRanked,
          .input = LossInput::kOutputs,
          .run = &run};
}

}  // namespace cupel::align::loss
