// Process rewards: Lightman et al. 2023: is the step right? Steps without a label do not count.
#include <vector>

#include "align/losses/common.h"
#include "base/error.h"
#include "tensor/masked.h"

namespace cupel::align::loss {
namespace {

std::vector<TermSpec> terms(const LossOptions& /*options*/) {
  return {{.name = "steps", .per_token = true}};
}

Result<Ok> check(const LossBatch& batch, const LossOptions& /*options*/) {
  const RoleBatch& outputs = batch[Role::kChosen];
  if (outputs.scores.sizes() != outputs.policy.sizes()) {
    return invalid_argument(
        "process_reward needs a score for each output; null where there is none");
  }
  const at::Tensor wrong =
      (outputs.scores != 0).logical_and(outputs.scores != 1).logical_and(outputs.mask);
  if (wrong.any().item<bool>()) {
    return invalid_argument(
        "process_reward: a label is neither 0 nor 1; expected 1 for a right step, 0 for a wrong "
        "one");
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& /*options*/) {
  const RoleBatch& outputs = batch[Role::kChosen];
  const at::Tensor& label = outputs.scores;  // [B,K]
  const at::Tensor values =
      -label * at::log_sigmoid(outputs.policy) - (1 - label) * at::log_sigmoid(-outputs.policy);
  return {.terms = {tensor::masked_sum(values, outputs.mask, outputs.weights)},
          .chosen_reward = {},
          .rejected_reward = {}};
}

}  // namespace

LossInfo process_reward() {
  return {.name = "process_reward",
          .summary = "reward of each step: is it right",
          .formula = "−y ln σ(s) − (1−y) ln(1 − σ(s)), mean over all labelled steps, y = score",
          .source = "Lightman et al. 2023 (arXiv 2305.20050)",
          .form = LossForm::kSingle,
          .input = LossInput::kOutputs,
          .reads = {.scores = Use::kMust, .scores_inside = true},
          .check = &check,
          .terms = &terms,
          .run = &run};
}

}  // namespace cupel::align::loss
