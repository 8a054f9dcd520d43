// SELM: Zhang et al. 2024: DPO that pushes the reference's own answer down.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kRolesRead = {Role::kExplore};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "alpha", .value = 0.001, .low = 0, .summary = "strength of exploration"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor explore = log_ratio(batch[Role::kExplore]);  // [G]
  const at::Tensor values =
      logistic_loss(beta * log_ratio_margin(batch), batch) + options["alpha"] * beta * explore;
  LossOutput output = with_implicit_rewards(values, batch, beta);
  output.metrics.push_back({"rewards/explore", beta * explore.detach()});
  return output;
}

}  // namespace

LossInfo selm() {
  return {.name = "selm",
          .summary = "DPO with optimism: away from what the reference says",
          .formula = "−ℓ(βh) + αβ·e, e of explore",
          .source = "Zhang et al. 2024 (arXiv 2405.19332)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay, .roles = kRolesRead},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
