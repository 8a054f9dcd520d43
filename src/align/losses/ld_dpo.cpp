// LD-DPO: Liu et al. 2024: tokens past the shorter length count α, in policy and reference.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "alpha",
                         .value = 0.5,
                         .low = 0,
                         .high = 1,
                         .summary = "weight of the tail; 1 is DPO, 0 cuts it"}};

/// The role with the weights of its tail; positions count tokens of the completion from 1.
RoleBatch discounted(const RoleBatch& role, const at::Tensor& shared, double alpha) {
  const at::Tensor position = at::cumsum(role.mask, -1);  // [G,T]
  const at::Tensor ones = at::ones_like(role.policy);     // [G,T]
  const at::Tensor tail = at::where(position > shared.unsqueeze(-1), alpha * ones, ones).detach();
  RoleBatch weighted = role;
  weighted.weights = role.weights.defined() ? role.weights * tail : tail;
  return weighted;
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const at::Tensor shared =
      at::minimum(batch[Role::kChosen].mask.sum(-1), batch[Role::kRejected].mask.sum(-1));  // [G]
  LossBatch weighted = batch;
  for (const Role role : {Role::kChosen, Role::kRejected}) {
    weighted[role] = discounted(batch[role], shared, options["alpha"]);
  }
  return with_implicit_rewards(logistic_loss(beta * log_ratio_margin(weighted), batch), weighted,
                               beta);
}

}  // namespace

LossInfo ld_dpo() {
  return {.name = "ld_dpo",
          .summary = "DPO that discounts what the longer answer has beyond the shorter",
          .formula = "−ℓ(βh), tokens beyond min(n_w, n_l) weighted by α",
          .source = "Liu et al. 2024 (arXiv 2409.06411)",
          .reads = {.reference = Use::kMust, .target_prob = Use::kMay},
          .parameters = kParameters,
          .run = &run};
}

}  // namespace cupel::align::loss
