// EXO with two answers: Ji et al. 2024: reverse KL between the implied and the given preference.
#include <array>
#include <cmath>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "label_smoothing",
                         .value = 1e-3,
                         .low = 0,
                         .high = 0.5,
                         .above_low = true,
                         .below_high = true,
                         .summary = "probability of the other preference"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double epsilon = options["label_smoothing"];
  const at::Tensor logit = beta * log_ratio_margin(batch);  // [G]
  const at::Tensor values = at::sigmoid(logit) * (at::log_sigmoid(logit) - std::log1p(-epsilon)) +
                            at::sigmoid(-logit) * (at::log_sigmoid(-logit) - std::log(epsilon));
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo exo_pair() {
  return {.name = "exo_pair",
          .summary = "reverse KL to a smoothed preference",
          .formula = "q ln(q/(1−ε)) + (1−q) ln((1−q)/ε), q = σ(βh)",
          .source = "Ji et al. 2024 (arXiv 2402.00856)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
