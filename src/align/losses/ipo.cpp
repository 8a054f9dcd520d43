// IPO: Azar et al. 2023. TRL averages the log-ratio over tokens first (log_ratio = mean).
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta, kLogRatio};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor margin = log_ratio_by(batch[Role::kChosen], options) -
                            log_ratio_by(batch[Role::kRejected], options);  // [G]
  return with_implicit_rewards((margin - 1 / (2 * beta)).square(), batch, beta);
}

}  // namespace

LossInfo ipo() {
  return {.name = "ipo",
          .summary = "squared distance of the log-ratio margin to 1/(2β)",
          .formula = "(h − 1/(2β))²; mean: (a/n_w − c/n_l − 1/(2β))²",
          .source = "Azar et al. 2023 (arXiv 2310.12036)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
