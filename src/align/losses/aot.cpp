// AOT: Melnyk et al. 2024: stochastic dominance over the batch, by sorting.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array<std::string_view, 2> kVariants = {"paired", "unpaired"};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "label_smoothing",
                  .value = 0,
                  .low = 0,
                  .high = 0.5,
                  .below_high = true,
                  .summary = kLabelSmoothing.summary},
    LossParameter{.name = "variant", .value = 0, .summary = "what is sorted", .words = kVariants}};

at::Tensor sorted(const at::Tensor& values) {
  return std::get<0>(at::sort(values));
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const RoleBatch& chosen = batch[Role::kChosen];
  const RoleBatch& rejected = batch[Role::kRejected];
  const at::Tensor delta = options.word("variant") == "paired"
                               ? sorted(seq_logp(chosen) - seq_logp(rejected)) -
                                     sorted(reference_logp(chosen) - reference_logp(rejected))
                               : sorted(log_ratio(chosen)) - sorted(log_ratio(rejected));  // [G]
  return with_implicit_rewards(logistic_loss(beta * delta, 1 - options["label_smoothing"]), batch,
                               beta);
}

}  // namespace

LossInfo aot() {
  return {
      .name = "aot",
      .summary = "distribution of log-ratios over the batch, not pair by pair",
      .formula = "cdpo of sorted(lw − ll) − sorted(ref gaps); unpaired: of sorted(a) − sorted(c)",
      .source = "Melnyk et al. 2024 (arXiv 2406.05882)",
      .reads = {.reference = Use::kMust},
      .parameters = kParameters,
      .run = &run};
}

}  // namespace cupel::align::loss
