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
    if (const int64_t row = first_row((scores < 0).logical_or(scores > 1)); row >= 0) {
      return invalid_argument(
          "sppo: {}: the score of {} is {:g}; scores are win probabilities, in [0, 1]",
          group_name(batch, row), role_name(role), scores.select(0, row).item<double>());
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
