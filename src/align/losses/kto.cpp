// KTO: Ethayarajh et al. 2024. z0 = max(0, mean log(π/ref) of mismatched pairs), a constant.
#include <algorithm>
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kMayRoles = {Role::kMismatched};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{
        .name = "lambda_d", .value = 1, .low = 0, .summary = "weight of desirable answers"},
    LossParameter{
        .name = "lambda_u", .value = 1, .low = 0, .summary = "weight of undesirable answers"},
    LossParameter{
        .name = "z0",
        .summary = "reference point in nats, at least 0; unset: from the mismatched answers"}};

at::Tensor survey(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& mismatched = batch[Role::kMismatched];
  return mismatched.present() && !options.is_set("z0") ? log_ratio(mismatched).unsqueeze(1)
                                                       : at::zeros({0, 1});
}

double reference_point(const LossBatch& batch, const LossOptions& options) {
  if (options.is_set("z0")) {
    return std::max(0.0, options["z0"]);
  }
  return batch.survey.numel() == 0 ? 0 : std::max(0.0, batch.survey.mean().item<double>());
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (options.is_set("z0") || batch.survey.defined()) {
    return Ok{};
  }
  const int64_t rows = batch[Role::kMismatched].rows();
  if (rows == 0) {
    return invalid_argument(
        "kto needs its reference point: the parameter z0, or the role mismatched (answers of other "
        "prompts)");
  }
  if (rows == 1) {
    return invalid_argument(
        "kto: mismatched has one sequence; with one prompt there is no other one's answer, so two "
        "are the least");
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double z0 = reference_point(batch, options);
  LossOutput output;
  std::vector<at::Tensor> parts;
  if (batch[Role::kChosen].present()) {
    const at::Tensor a = log_ratio(batch[Role::kChosen]);  // [B]
    parts.push_back(options["lambda_d"] * at::sigmoid(-beta * (a - z0)));
    output.chosen_reward = beta * a.detach();
  }
  if (batch[Role::kRejected].present()) {
    const at::Tensor c = log_ratio(batch[Role::kRejected]);  // [B]
    parts.push_back(options["lambda_u"] * at::sigmoid(-beta * (z0 - c)));
    output.rejected_reward = beta * c.detach();
  }
  output.terms = {at::cat(parts)};
  output.metrics.push_back({"kl", at::full({1}, z0, at::kDouble)});
  return output;
}

}  // namespace

LossInfo kto() {
  return {.name = "kto",
          .summary = "desirable and undesirable answers without pairs",
          .formula = "desirable λ_D(1 − σ(β(a − z0))), undesirable λ_U(1 − σ(β(z0 − c)))",
          .source = "Ethayarajh et al. 2024 (arXiv 2402.01306)",
          .form = LossForm::kUnpaired,
          .reads = {.reference = Use::kMust, .may_roles = kMayRoles},
          .parameters = kParameters,
          .check = &check,
          .survey = &survey,
          .survey_width = 1,
          .run = &run};
}

}  // namespace cupel::align::loss
