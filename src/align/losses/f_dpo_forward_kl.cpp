// f-DPO with the forward KL: Wang et al. 2023
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  return with_implicit_rewards(logistic_loss(beta * (capped_exp(-c) - capped_exp(-a)), batch),
                               batch, beta);
}

}  // namespace

LossInfo f_dpo_forward_kl() {
  return {.name = "f_dpo_forward_kl",
          .summary = "DPO under a forward KL constraint",
          .formula = "−ℓ(β(e^(−c) − e^(−a)))",
          .source = "Wang et al. 2023 (arXiv 2309.16240)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
