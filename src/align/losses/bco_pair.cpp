// BCO with pairs: Jung et al. 2024; δ, the shift of the rewards, is a constant here.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "delta", .value = 0, .summary = "shift of the rewards"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor a = log_ratio(batch[Role::kChosen]);    // [G]
  const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [G]
  const double delta = options["delta"];
  const at::Tensor values = -at::log_sigmoid(beta * a - delta) - at::log_sigmoid(delta - beta * c);
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo bco_pair() {
  return {.name = "bco_pair",
          .summary = "binary classifier of answers on shifted rewards",
          .formula = "−ℓ(βa − δ) − ℓ(−(βc − δ))",
          .source = "Jung et al. 2024 (arXiv 2404.04656)",
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
