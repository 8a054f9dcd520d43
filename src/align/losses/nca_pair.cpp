// NCA with two answers: Chen et al. 2024.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  const at::Tensor values = -at::log_sigmoid(beta * a) - 0.5 * at::log_sigmoid(-beta * a) -
                            0.5 * at::log_sigmoid(-beta * c);
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo nca_pair() {
  return {.name = "nca_pair",
          .summary = "noise-contrastive alignment: absolute likelihood of each answer",
          .formula = "−ℓ(βa) − ½ℓ(−βa) − ½ℓ(−βc)",
          .source = "Chen et al. 2024 (arXiv 2402.05369)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
