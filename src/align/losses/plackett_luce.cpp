// Plackett-Luce: Luce 1959; the best of what is left is drawn again and again.
#include <vector>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

/// s [K], best first.
at::Tensor ranking_loss(const at::Tensor& s) {
  // What is left after i was drawn is s_i … s_K: a running sum from the end.
  const at::Tensor left = s.flip({0}).logcumsumexp(0).flip({0});  // [K]
  return (left - s).sum();
}

Result<Ok> check(const LossBatch& batch, const LossOptions& /*options*/) {
  const at::Tensor& scores = batch[Role::kResponse].scores;
  if (!scores.defined()) {
    return Ok{};
  }
  const at::Tensor tied = (scores.diff() == 0).logical_and(batch.group.diff() == 0);
  if (const int64_t row = first_row(tied); row >= 0) {
    return invalid_argument(
        "plackett_luce: {}: two answers have the score {:g}, and it learns an order, which has no "
        "ties; tell them apart, or take kwise_bradley_terry",
        group_name(batch, batch.group.select(0, row).item<int64_t>()),
        scores.select(0, row).item<double>());
  }
  return check_ranking("plackett_luce", batch);
}

LossOutput run(const LossBatch& batch, const LossOptions& /*options*/) {
  std::vector<at::Tensor> values;
  for (const at::Tensor& group : split_groups(batch, seq_logp(batch[Role::kResponse]))) {
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
          .reads = {.scores = Use::kMay},
          .check = &check,
          .run = &run};
}

}  // namespace cupel::align::loss
