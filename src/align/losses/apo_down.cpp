// APO-down: D'Oosterlinck et al. 2024: for a model that is better than the answers.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  return with_implicit_rewards(at::sigmoid(beta * a) + at::sigmoid(-beta * (a - c)), batch, beta);
}

}  // namespace

LossInfo apo_down() {
  return {.name = "apo_down",
          .summary = "lowers both answers, rejected more",
          .formula = "σ(βa) + 1 − σ(βh)",
          .source = "D'Oosterlinck et al. 2024 (arXiv 2408.06266)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
