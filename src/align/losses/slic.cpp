// SLiC-HF: Zhao et al. 2023: a hinge on log-probs, with the likelihood of a target as regulariser.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kMayRoles = {Role::kGold};

constexpr std::array kParameters = {
    LossParameter{.name = "delta", .value = 3, .low = 0, .summary = "margin in nats"},
    LossParameter{.name = "lambda",
                  .value = 0.1,
                  .low = 0,
                  .summary = "weight of the log-probability of the target"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& target = batch[batch[Role::kGold].present() ? Role::kGold : Role::kChosen];
  const at::Tensor margin =
      seq_logp(batch[Role::kChosen]) - seq_logp(batch[Role::kRejected]);  // [G]
  const at::Tensor values =
      at::relu(options["delta"] - margin) - options["lambda"] * seq_logp(target);
  return with_policy_rewards(values, batch, 1, /*mean=*/false);
}

}  // namespace

LossInfo slic() {
  return {.name = "slic",
          .summary = "hinge on log-probs with a likelihood term, no reference",
          .formula = "max(0, δ − lw + ll) − λ·lt, t = gold, else chosen",
          .source = "Zhao et al. 2023 (arXiv 2305.10425)",
          .reads = {.may_roles = kMayRoles},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
