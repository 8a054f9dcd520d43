// MaPPO: Lan et al. 2025, and its form for other losses. The gap of the rewards scales the rejected
// side.
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array<std::string_view, 4> kBases = {"dpo", "simpo", "ipo", "cpo"};
constexpr std::array<std::string_view, 1> kSimpo = {"simpo"};
constexpr std::array<std::string_view, 1> kCpo = {"cpo"};
constexpr std::array<std::string_view, 2> kTransforms = {"none", "sigmoid"};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "base",
                  .value = 0,
                  .summary = "the loss whose rejected side is scaled",
                  .words = kBases},
    LossParameter{.name = "gamma",
                  .value = 1,
                  .low = 0,
                  .summary = "target margin",
                  .with = "base",
                  .with_words = kSimpo},
    LossParameter{.name = "lambda",
                  .value = 0.2,
                  .low = 0,
                  .summary = "weight of the log-prob of chosen (summed over tokens)",
                  .with = "base",
                  .with_words = kCpo},
    LossParameter{.name = "score_transform",
                  .value = 0,
                  .summary = "of each score before the difference",
                  .words = kTransforms}};

at::Tensor gap_of(const LossBatch& batch, const LossOptions& options) {
  if (options.word("score_transform") == "sigmoid") {
    return at::sigmoid(batch[Role::kChosen].scores) - at::sigmoid(batch[Role::kRejected].scores);
  }
  return rating_gap(batch);
}

LossReads reads_with(LossReads reads, const LossOptions& options) {
  const std::string_view base = options.word("base");
  reads.reference = base == "dpo" || base == "ipo" ? Use::kMust : Use::kNo;
  if (base == "ipo") {
    reads.target_prob = Use::kNo;
  }
  if (options.word("score_transform") != "none") {
    reads.margins = Use::kNo;
  }
  return reads;
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (!rating_gap(batch).defined()) {
    return invalid_argument(
        "mappo needs scores of chosen and rejected, or margins, and there are neither");
  }
  const at::Tensor gap = gap_of(batch, options);
  if (const int64_t row = first_row((gap < 0).logical_or(gap > 1)); row >= 0) {
    return invalid_argument(
        "mappo: {}: the gap of its scores is {:g}, outside [0, 1]; order the pair by its scores, "
        "and squash them (score_transform)",
        group_name(batch, row), gap.select(0, row).item<double>());
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const RoleBatch& chosen = batch[Role::kChosen];
  const RoleBatch& rejected = batch[Role::kRejected];
  const at::Tensor gap = gap_of(batch, options).detach();  // [G]
  const std::string_view base = options.word("base");
  if (base == "simpo") {
    const at::Tensor margin = mean_logp(chosen) - gap * mean_logp(rejected);
    return with_policy_rewards(logistic_loss(beta * margin - options["gamma"], batch), batch, beta,
                               /*mean=*/true);
  }
  if (base == "cpo") {
    const at::Tensor margin = seq_logp(chosen) - gap * seq_logp(rejected);
    const at::Tensor values =
        logistic_loss(beta * margin, batch) - options["lambda"] * seq_logp(chosen);
    return with_policy_rewards(values, batch, beta, /*mean=*/false);
  }
  const at::Tensor margin = log_ratio(chosen) - gap * log_ratio(rejected);
  const at::Tensor values =
      base == "ipo" ? (margin - 1 / (2 * beta)).square() : logistic_loss(beta * margin, batch);
  return with_implicit_rewards(values, batch, beta);
}

}  // namespace

LossInfo mappo() {
  return {.name = "mappo",
          .summary = "the rejected side scaled by the gap of the scores",
          .formula = "−ℓ(β(a − Δ_r·c)), Δ_r = margin or score gap; by base: as simpo, ipo, cpo",
          .source = "Lan et al. 2025 (arXiv 2507.21183)",
          .reads = {.reference = Use::kMay,
                    .scores = Use::kMay,
                    .margins = Use::kMay,
                    .target_prob = Use::kMay},
          .parameters = kParameters,
          .reads_with = &reads_with,
          .check = &check,
          .run = &run};
}

}  // namespace cupel::align::loss
