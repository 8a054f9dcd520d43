// Regression of ratings: Wang et al. 2024 (HelpSteer2); missing ratings do not count.
#include <vector>

#include "align/losses/common.h"
#include "base/error.h"
#include "tensor/masked.h"

namespace cupel::align::loss {
namespace {

std::vector<TermSpec> terms(const LossOptions& /*options*/) {
  return {{.name = "regression", .per_token = true}};
}

Result<Ok> check(const LossBatch& batch, const LossOptions& /*options*/) {
  const RoleBatch& outputs = batch[Role::kChosen];
  if (outputs.scores.sizes() != outputs.policy.sizes()) {
    return invalid_argument(
        "reward_regression needs a score for each output; null where there is none");
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& /*options*/) {
  const RoleBatch& outputs = batch[Role::kChosen];
  const at::Tensor values = (outputs.policy - outputs.scores).square();  // [B,K]
  return {.terms = {tensor::masked_sum(values, outputs.mask, outputs.weights)},
          .chosen_reward = {},
          .rejected_reward = {}};
}

}  // namespace

LossInfo reward_regression() {
  return {.name = "reward_regression",
          .summary = "reward model from ratings of attributes",
          .formula = "(s − rating)², mean over all ratings that there are",
          .source = "Wang et al. 2024 (arXiv 2406.08673)",
          .form = LossForm::kSingle,
          .input = LossInput::kOutputs,
          .reads = {.scores = Use::kMust, .scores_inside = true},
          .check = &check,
          .terms = &terms,
          .run = &run};
}

}  // namespace cupel::align::loss
