// TODO: Guo et al. 2024: the tie model of Rao and Kupper on implicit rewards.
#include <array>
#include <cmath>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kBeta, LossParameter{.name = "alpha",
                         .value = 0.5,
                         .low = 0,
                         .summary = "half the width of what counts as a tie, after β"}};

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (options["alpha"] == 0 && batch.ties.defined() && batch.ties.any().item<bool>()) {
    return invalid_argument(
        "todo: alpha is 0, which gives a tie the probability 0, and ties[{}] is true",
        batch.ties.nonzero().select(0, 0).item<int64_t>());
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double alpha = options["alpha"];
  const at::Tensor logit = beta * log_ratio_margin(batch);       // [G]
  const at::Tensor preferred = -at::log_sigmoid(logit - alpha);  // [G]
  if (!batch.ties.defined() || alpha == 0) {
    return with_implicit_rewards(preferred, batch, beta);
  }
  const double log_width = 2 * alpha + std::log(-std::expm1(-2 * alpha));  // log(e^(2α) − 1)
  const at::Tensor tied = at::softplus(alpha + logit) + at::softplus(alpha - logit) - log_width;
  LossOutput output = with_implicit_rewards(at::where(batch.ties, tied, preferred), batch, beta);
  output.metrics.push_back({"ties", batch.ties});
  return output;
}

}  // namespace

LossInfo todo() {
  return {.name = "todo",
          .summary = "DPO that learns from ties",
          .formula = "pair −ℓ(βh − α), tie −ln[(e^(2α) − 1)/((1 + e^(α+βh))(1 + e^(α−βh)))]",
          .source = "Guo et al. 2024 (arXiv 2411.02442)",
          .form = LossForm::kTernary,
          .reads = {.reference = Use::kMust},
          .parameters = kParameters,
          .check = &check,
          .run = &run};
}

}  // namespace cupel::align::loss
