// f-DPO with the α-divergence: Wang et al. 2023
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "alpha",
                  .value = 0.5,
                  .low = 0,
                  .high = 1,
                  .below_high = true,
                  .summary = "of the divergence; 0 is the forward KL, towards 1 the reverse one"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  const double power = options["alpha"] - 1;
  const at::Tensor logit = beta * (capped_exp(power * a) - capped_exp(power * c)) / power;  // [G]
  return with_implicit_rewards(logistic_loss(logit, batch), batch, beta);
}

}  // namespace

LossInfo f_dpo_alpha() {
  return {.name = "f_dpo_alpha",
          .summary = "DPO under an α-divergence constraint",
          .formula = "−ℓ(β(u_w^(α−1) − u_l^(α−1))/(α−1)), u = e^a, e^c",
          .source = "Wang et al. 2023 (arXiv 2309.16240)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
