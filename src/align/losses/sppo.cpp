// SPPO: Wu et al. 2024; β = 1/η, and log Z is taken as η/2. Scores are win probabilities.
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kBeta};

Result<Ok> check(const LossBatch& batch, const LossOptions& /*options*/) {
  for (const Role role : {Role::kChosen, Role::kRejected}) {
    const at::Tensor& scores = batch[role].scores;
    if ((scores < 0).logical_or(scores > 1).any().item<bool>()) {
      return invalid_argument(
          "sppo: a score of {} lies outside [0, 1]; scores are win probabilities", role_name(role));
    }
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const auto distance = [&](const RoleBatch& role) {
    return (log_ratio(role) - (role.scores - 0.5) / beta).square();
  };
  const at::Tensor values =
      0.5 * (distance(batch[Role::kChosen]) + distance(batch[Role::kRejected]));  // [G]
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo sppo() {
  return {.name = "sppo",
          .summary = "log-ratios regressed onto win probabilities",
          .formula = "½[(a − (P_w − ½)/β)² + (c − (P_l − ½)/β)²], P = scores",
          .source = "Wu et al. 2024 (arXiv 2405.00675)",
          .reads = {.reference = Use::kMust, .scores = Use::kMust},
          .parameters = kParameters,
          .check = &check,
          .run = &run};
}

}  // namespace cupel::align::loss
