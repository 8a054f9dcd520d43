// RSO's hinge on the log-ratio margin: Liu et al. 2023; β is the reciprocal of the margin.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  return with_implicit_rewards(at::relu(1 - beta * log_ratio_margin(batch)), batch, beta);
}

}  // namespace

LossInfo hinge() {
  return {.name = "hinge",
          .summary = "hinge on the log-ratio margin",
          .formula = "max(0, 1 − βh)",
          .source = "Liu et al. 2023 (arXiv 2309.06657)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
