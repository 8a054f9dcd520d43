// DPO-Shift: Yang et al. 2025. The logged rewards are the unshifted ones.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "f",
                         .value = 0.95,
                         .low = 0,
                         .high = 1,
                         .above_low = true,
                         .summary = "factor of the rejected log-ratio; 1 is DPO"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  return with_implicit_rewards(logistic_loss(beta * (a - options["f"] * c), batch), batch, beta);
}

}  // namespace

LossInfo dpo_shift() {
  return {.name = "dpo_shift",
          .summary = "DPO with the rejected reward scaled down",
          .formula = "−ℓ(β(a − f·c))",
          .source = "Yang et al. 2025 (arXiv 2502.07599)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
