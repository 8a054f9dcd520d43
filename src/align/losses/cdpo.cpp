// Conservative DPO: Mitchell 2023, "A note on DPO with noisy preferences".
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta, kLabelSmoothing};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor logit = beta * log_ratio_margin(batch);  // [G]
  return with_implicit_rewards(logistic_loss(logit, 1 - options["label_smoothing"]), batch, beta);
}

}  // namespace

LossInfo cdpo() {
  return {.name = "cdpo",
          .summary = "DPO with label smoothing",
          .formula = "−(1−ε)ℓ(βh) − εℓ(−βh)",
          .source = "Mitchell 2023",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
