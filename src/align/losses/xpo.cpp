// XPO: Xie et al. 2024: DPO with a penalty on answers sampled from the reference.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kMayRoles = {Role::kExplore};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "alpha", .value = 0.01, .low = 0, .summary = "strength of exploration"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const RoleBatch& sample =
      batch[batch[Role::kExplore].present() ? Role::kExplore : Role::kRejected];
  const at::Tensor values = logistic_loss(beta * log_ratio_margin(batch), batch) +
                            options["alpha"] * seq_logp(sample);  // [G]
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo xpo() {
  return {.name = "xpo",
          .summary = "DPO that pushes a sample of the reference down",
          .formula = "−ℓ(βh) + α·log π(y), y = explore, else rejected",
          .source = "Xie et al. 2024 (arXiv 2405.21046)",
          .reads = {.reference = Use::kMust,
                    .target_prob = Use::kMay,
                    .may_roles = kMayRoles,
                    .without_reference = kMayRoles},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
