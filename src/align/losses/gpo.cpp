// GPO: Zhang et al. 2024: SPPO with scores of any size and log Z taken as 0; mean: LN-GPO.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta, kLogRatio};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const auto distance = [&](const RoleBatch& role) {
    return (log_ratio_by(role, options) - role.scores / beta).square();
  };
  const at::Tensor values =
      0.5 * (distance(batch[Role::kChosen]) + distance(batch[Role::kRejected]));  // [G]
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo gpo() {
  return {.name = "gpo",
          .summary = "log-ratios regressed onto preference scores",
          .formula = "½[(a − s_w/β)² + (c − s_l/β)²], s = scores",
          .source = "Zhang et al. 2024 (arXiv 2410.02197)",
          .reads = {.reference = Use::kMust, .scores = Use::kMust},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
