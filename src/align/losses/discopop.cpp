// DiscoPOP (log-ratio modulated loss): Lu et al. 2024. s·e^(−z) is one exponential: apart they are
// 0·∞.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta, LossParameter{.name = "tau",
                                                         .value = 0.05,
                                                         .low = 0,
                                                         .high = 1,
                                                         .above_low = true,
                                                         .summary = "temperature of the mixture"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double tau = options["tau"];
  const at::Tensor logit = beta * log_ratio_margin(batch);  // [G]
  const at::Tensor exponential =
      at::exp(at::log_sigmoid(logit / tau) - logit);  // <= 1 for tau <= 1
  const at::Tensor values = at::sigmoid(-logit / tau) * -at::log_sigmoid(logit) + exponential;
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo discopop() {
  return {.name = "discopop",
          .summary = "logistic and exponential loss, mixed by the log-ratio",
          .formula = "(1−s)(−ℓ(βh)) + s·e^(−βh), s = σ(βh/τ)",
          .source = "Lu et al. 2024 (arXiv 2406.08414)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
