// Nash-MD: Munos et al. 2023, with the KL term token by token and without reward-to-go, as TRL.
#include <array>

#include "align/losses/common.h"
#include "tensor/masked.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    LossParameter{.name = "beta", .value = 0.125, .low = 0, .summary = "strength of the KL term"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const RoleBatch& answer = batch[Role::kChosen];
  const at::Tensor drift = (answer.policy - answer.reference).detach();  // [B,T]
  const at::Tensor penalty = tensor::masked_sum(drift * answer.policy, answer.mask, answer.weights);
  return {.terms = {-(answer.scores - 0.5) * seq_logp(answer) + beta * penalty},
          .chosen_reward = {},
          .rejected_reward = {},
          .metrics = {{"kl", log_ratio(answer).detach()}}};
}

}  // namespace

LossInfo nash_md() {
  return {
      .name = "nash_md",
      .summary = "policy gradient towards a preference's equilibrium",
      .formula =
          "−(P − ½)·lw + β Σ_t (log π_t − log ref_t)·log π_t, the bracket held constant, P = score",
      .source = "Munos et al. 2023 (arXiv 2312.00886)",
      .form = LossForm::kSingle,
      .reads = {.reference = Use::kMust, .scores = Use::kMust},
      .parameters = kParameters,
      .surrogate = true,
      .run = &run};
}

}  // namespace cupel::align::loss
