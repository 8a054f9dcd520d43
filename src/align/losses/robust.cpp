// Robust DPO: Chowdhury et al. 2024: unbiased under a known share of flipped labels.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta, kLabelSmoothing};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double epsilon = options["label_smoothing"];
  const at::Tensor logit = beta * log_ratio_margin(batch);  // [G]
  const at::Tensor values =
      -(1 - epsilon) * at::log_sigmoid(logit) + epsilon * at::log_sigmoid(-logit);
  return with_implicit_rewards(values / (1 - 2 * epsilon), batch, beta);
}

}  // namespace

LossInfo robust() {
  return {.name = "robust",
          .summary = "DPO that is unbiased when a known share of labels is flipped",
          .formula = "[−(1−ε)ℓ(βh) + εℓ(−βh)]/(1−2ε)",
          .source = "Chowdhury et al. 2024 (arXiv 2403.00409)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
