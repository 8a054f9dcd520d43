// K-wise Bradley-Terry: Ouyang et al. 2022: all pairs of one prompt, averaged. A tie is half a win
// for each side, as in bradley_terry.
#include <vector>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

/// s [K], best first: every pair once. `scores` [K] say which are ties; or undefined: none.
at::Tensor ranking_loss(const at::Tensor& s, const at::Tensor& scores) {
  const at::Tensor differences = s.unsqueeze(1) - s.unsqueeze(0);  // [K,K]
  const at::Tensor upper = at::ones_like(differences, at::kBool).triu(1);
  const at::Tensor logits = differences.masked_select(upper);  // [K(K−1)/2]
  LossBatch pairs;
  if (scores.defined()) {
    const at::Tensor tied = (scores.unsqueeze(1) == scores.unsqueeze(0)).masked_select(upper);
    const at::Tensor won = at::ones_like(logits.detach());
    pairs.target_prob = at::where(tied, 0.5 * won, won);
  }
  return logistic_loss(logits, pairs).mean();
}

Result<Ok> check(const LossBatch& batch, const LossOptions& /*options*/) {
  return check_ranking("kwise_bradley_terry", batch);
}

LossOutput run(const LossBatch& batch, const LossOptions& /*options*/) {
  const RoleBatch& response = batch[Role::kResponse];
  const std::vector<at::Tensor> outputs = split_groups(batch, seq_logp(response));
  std::vector<at::Tensor> scores(outputs.size());
  if (response.scores.defined()) {
    scores = split_groups(batch, response.scores);
  }
  std::vector<at::Tensor> values;
  for (size_t g = 0; g < outputs.size(); ++g) {
    values.push_back(ranking_loss(outputs[g], scores[g]));
  }
  return {.terms = {at::stack(values)}, .chosen_reward = {}, .rejected_reward = {}};
}

}  // namespace

LossInfo kwise_bradley_terry() {
  return {.name = "kwise_bradley_terry",
          .summary = "reward model from ranked lists: all pairs of a prompt",
          .formula =
              "mean over i < j of −ℓ(s_i − s_j), s = outputs, best first; equal scores: "
              "−½ℓ(s_i − s_j) − ½ℓ(s_j − s_i)",
          .source = "Ouyang et al. 2022 (arXiv 2203.02155)",
          .form = LossForm::kRanked,
          .input = LossInput::kOutputs,
          .reads = {.scores = Use::kMay},
          .check = &check,
          .run = &run};
}

}  // namespace cupel::align::loss
