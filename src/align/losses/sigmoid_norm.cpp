// DPO on mean log-ratios, as in Tülu 3: Lambert et al. 2024.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const auto mean = [&](const RoleBatch& role) { return log_ratio(role) / token_count(role); };
  const at::Tensor chosen = beta * mean(batch[Role::kChosen]);      // [G]
  const at::Tensor rejected = beta * mean(batch[Role::kRejected]);  // [G]
  return {.terms = {logistic_loss(chosen - rejected, batch)},
          .chosen_reward = chosen.detach(),
          .rejected_reward = rejected.detach()};
}

}  // namespace

LossInfo sigmoid_norm() {
  return {.name = "sigmoid_norm",
          .summary = "DPO on log-ratios per token",
          .formula = "−ℓ(β(a/n_w − c/n_l))",
          .source = "Lambert et al. 2024 (arXiv 2411.15124)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
