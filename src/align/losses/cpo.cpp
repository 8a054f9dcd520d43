// CPO: Xu et al. 2024: DPO with a uniform reference, plus the NLL of the chosen answer.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "lambda", .value = 1, .low = 0, .summary = "weight of the NLL"},
    kSftByToken, kLengthAlpha};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor margin =
      seq_logp(batch[Role::kChosen]) - seq_logp(batch[Role::kRejected]);  // [G]
  LossOutput output = with_policy_rewards(shaped_logistic_loss(beta * margin, batch, options),
                                          batch, beta, /*mean=*/false);
  const bool per_token = options.word("sft_reduction") == "token";
  output.terms.push_back(options["lambda"] * sft_values(batch[Role::kChosen], per_token));
  return output;
}

}  // namespace

LossInfo cpo() {
  return {.name = "cpo",
          .summary = "log-prob margin and the NLL of the chosen answer, no reference",
          .formula = "−ℓ(β(lw − ll)) − λ·log π(chosen) per token",
          .source = "Xu et al. 2024 (arXiv 2401.08417)",
          .reads = {.target_prob = Use::kMay},
          .parameters = kParameters,
          .terms = &preference_and_sft,
          .run = &run};
}

}  // namespace cupel::align::loss
