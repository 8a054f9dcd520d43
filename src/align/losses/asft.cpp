// ASFT: Wang et al. 2024. With temper_beta = 1 it is −(1+λ)l̄w − λ log(1 − e^l̄l) (Gorbatovski et al.
// 2025).
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array<std::string_view, 2> kOnOff = {"on", "off"};

constexpr std::array kParameters = {
    LossParameter{
        .name = "lambda", .value = 1, .low = 0, .summary = "weight of the alignment term"},
    LossParameter{.name = "temper_beta",
                  .value = 1,
                  .low = 0,
                  .above_low = true,
                  .summary = "τ, factor of the log-odds"},
    LossParameter{.name = "sft_term",
                  .value = 0,
                  .summary = "whether the NLL is part of it",
                  .words = kOnOff}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double tau = options["temper_beta"];
  const at::Tensor chosen = mean_logp(batch[Role::kChosen]);      // [G]
  const at::Tensor rejected = mean_logp(batch[Role::kRejected]);  // [G]
  at::Tensor values = options["lambda"] * (-at::log_sigmoid(tau * log_odds(chosen)) -
                                           at::log_sigmoid(-tau * log_odds(rejected)));
  if (options.word("sft_term") == "on") {
    values = values - chosen;
  }
  LossOutput output = with_policy_rewards(values, batch, 1, /*mean=*/true);
  output.metrics.push_back({"clamped", (at::maximum(chosen, rejected) >= 0).detach()});
  return output;
}

}  // namespace

LossInfo asft() {
  return {.name = "asft",
          .summary = "NLL of the chosen answer and the odds of each answer, no reference",
          .formula = "−l̄w + λ(−ℓ(τo_w) − ℓ(−τo_l)), o = l̄ − log(1 − e^l̄)",
          .source = "Wang et al. 2024 (arXiv 2409.10571)",
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
