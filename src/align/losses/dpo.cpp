// DPO: Rafailov et al. 2023, eq. 7; with the length term of iLR-DPO and the soft targets of MMPO.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta, kLengthAlpha, kMarginGamma};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  return with_implicit_rewards(shaped_logistic_loss(beta * log_ratio_margin(batch), batch, options),
                               batch, beta);
}

}  // namespace

LossInfo dpo() {
  return {.name = "dpo",
          .summary = "direct preference optimisation",
          .formula = "−ℓ(βh)",
          .source = "Rafailov et al. 2023 (arXiv 2305.18290), eq. 7",
          .reads = {.reference = Use::kMust,
                    .scores = Use::kMay,
                    .margins = Use::kMay,
                    .target_prob = Use::kMay},
          .parameters = kParameters,
          .reads_with = &reads_by_margin_gamma,
          .check = &check_margin_gamma,
          .run = &run};
}

}  // namespace cupel::align::loss
