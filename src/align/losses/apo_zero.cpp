// APO-zero: D'Oosterlinck et al. 2024: for answers that are better than the model.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  return with_implicit_rewards(at::sigmoid(-beta * a) + at::sigmoid(beta * c), batch, beta);
}

}  // namespace

LossInfo apo_zero() {
  return {.name = "apo_zero",
          .summary = "raises chosen and lowers rejected, each by itself",
          .formula = "1 − σ(βa) + σ(βc)",
          .source = "D'Oosterlinck et al. 2024 (arXiv 2408.06266)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
