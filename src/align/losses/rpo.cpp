// RPO: Pang et al. 2024: DPO with the likelihood of the chosen answer.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "alpha", .value = 1, .low = 0, .summary = "weight of the NLL"},
    kSftByRow};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const RoleBatch& chosen = batch[Role::kChosen];
  LossOutput output =
      with_implicit_rewards(logistic_loss(beta * log_ratio_margin(batch), batch), batch, beta);
  output.terms.push_back(options["alpha"] *
                         sft_values(chosen, options.word("sft_reduction") == "token"));
  output.metrics.push_back({"nll/chosen", -seq_logp(chosen).detach(), token_count(chosen)});
  return output;
}

}  // namespace

LossInfo rpo() {
  return {.name = "rpo",
          .summary = "DPO plus the NLL of the chosen answer",
          .formula = "−ℓ(βh) − α·l̄w",
          .source = "Pang et al. 2024 (arXiv 2404.19733)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay},
          .parameters = kParameters,
          .terms = &preference_and_sft,
          .run = &run};
}

}  // namespace cupel::align::loss
