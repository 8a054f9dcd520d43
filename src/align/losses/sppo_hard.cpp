// SPPO with the preference taken as certain: Wu et al. 2024 at P = 1/0, without the ½ (as TRL).
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  const double target = 1 / (2 * beta);
  return with_implicit_rewards((a - target).square() + (c + target).square(), batch, beta);
}

}  // namespace

LossInfo sppo_hard() {
  return {.name = "sppo_hard",
          .summary = "log-ratios regressed onto ±1/(2β)",
          .formula = "(a − 1/(2β))² + (c + 1/(2β))²",
          .source = "Wu et al. 2024 (arXiv 2405.00675)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
