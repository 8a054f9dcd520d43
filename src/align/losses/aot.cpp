// AOT: Melnyk et al. 2024: stochastic dominance over the batch, by sorting; here over the whole
// optimiser step, however it is cut.
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

/// The two distributions that are compared, [G] each: gaps of the policy and of the reference, or
/// log-ratios of chosen and of rejected.
struct Sides {
  at::Tensor above;
  at::Tensor below;
};

Sides sides_of(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& chosen = batch[Role::kChosen];
  const RoleBatch& rejected = batch[Role::kRejected];
  if (options.word("variant") == "paired") {
    return {.above = seq_logp(chosen) - seq_logp(rejected),
            .below = reference_logp(chosen) - reference_logp(rejected)};
  }
  return {.above = log_ratio(chosen), .below = log_ratio(rejected)};
}

at::Tensor survey(const LossBatch& batch, const LossOptions& options) {
  const auto [above, below] = sides_of(batch, options);
  return at::stack({above, below}, 1);  // [G,2]
}

/// For each group of the batch the number of the other side that has the same place when both
/// sides of the step are sorted: [G].
at::Tensor partners(const LossBatch& batch, int64_t side, const at::Tensor& own) {
  const at::Tensor order = batch.survey.select(1, side).argsort(/*stable=*/true, 0, false);
  const at::Tensor place = order.argsort();  // [N]
  const at::Tensor other = std::get<0>(at::sort(batch.survey.select(1, 1 - side)));
  return other.index_select(0, place.narrow(0, batch.survey_begin, own.size(0))).to(own.options());
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double target = 1 - options["label_smoothing"];
  const auto [above, below] = sides_of(batch, options);
  // A group may be compared with one of another micro-batch, which is a constant here: so each side
  // gets its own gradient, and the value is counted once.
  const at::Tensor values = logistic_loss(beta * (above - partners(batch, 0, above)), target);
  const at::Tensor again = logistic_loss(beta * (partners(batch, 1, below) - below), target);
  return with_implicit_rewards(values + (again - again.detach()), batch, beta);
}

}  // namespace

LossInfo aot() {
  return {
      .name = "aot",
      .summary = "distribution of log-ratios over the step, not pair by pair",
      .formula = "cdpo of sorted(lw − ll) − sorted(ref gaps); unpaired: of sorted(a) − sorted(c)",
      .source = "Melnyk et al. 2024 (arXiv 2406.05882)",
      .reads = {.reference = Use::kMust},
      .parameters = kParameters,
      .survey = &survey,
      .survey_width = 2,
      .run = &run};
}

}  // namespace cupel::align::loss
