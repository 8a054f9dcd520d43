// GRPO: Shao et al. 2024; unscaled advantages as Liu et al. 2025 (Dr. GRPO), token mean as Yu et
// al. 2025 (DAPO), the ratio of whole sequences as Zheng et al. 2025 (GSPO).
#include <array>

#include "align/losses/common.h"
#include "align/losses/policy_gradient.h"
#include "tensor/masked.h"

namespace cupel::align::loss {
namespace {

constexpr double kEpsilon =
    1e-4;  // beside the standard deviation, as usual where it is the unbiased one
constexpr std::array<std::string_view, 3> kScales = {"std", "population_std", "none"};
constexpr std::array<std::string_view, 2> kRatios = {"token", "sequence"};
constexpr std::array kParameters = {
    kClip,
    LossParameter{
        .name = "beta", .value = 0, .low = 0, .summary = "weight of the KL term k3 in the loss"},
    LossParameter{.name = "scale",
                  .value = 0,
                  .summary = "what rewards of a group are divided by",
                  .words = kScales},
    LossParameter{.name = "ratio",
                  .value = 0,
                  .summary = "of tokens, or of the sequence (GSPO)",
                  .words = kRatios},
    LossParameter{.name = "reduction",
                  .value = 0,
                  .summary = "of the tokens of the batch",
                  .words = kReductions},
    kMaxLength};

struct Advantage {
  at::Tensor values;  // [B]
  at::Tensor
      flat;  // [B] bool: all rewards of the group are equal, and so the advantage is exactly 0
};

Advantage advantage_of(const LossBatch& batch, const LossOptions& options) {
  const at::Tensor& rewards = batch[Role::kResponse].scores;  // [B]
  const auto [mean, size] = group_mean(rewards, batch.group);
  const auto [spread, unused] = group_mean((rewards - mean).square(), batch.group);
  const at::Tensor flat = in_level_group(rewards, batch.group).logical_or(spread == 0);
  const std::string_view scale = options.word("scale");
  at::Tensor values = rewards - mean;
  if (scale == "std") {
    values = values / ((spread * size / (size - 1)).sqrt() + kEpsilon);
  } else if (scale == "population_std") {
    values = values / spread.sqrt();
  }
  return {.values = at::where(flat, at::zeros_like(values), values).detach(), .flat = flat};
}

Result<Ok> check(const LossBatch& /*batch*/, const LossOptions& options) {
  return check_reduction("grpo", options);
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& response = batch[Role::kResponse];
  const auto [advantage, flat] = advantage_of(batch, options);
  at::Tensor log_ratio = ratio_to_old(response);  // [B,T]
  if (options.word("ratio") == "sequence") {
    log_ratio = (log_ratio.sum(-1) / response.mask.sum(-1)).unsqueeze(-1).expand_as(log_ratio);
  }
  const auto [surrogate, clipped] =
      clipped_surrogate(log_ratio, advantage.unsqueeze(-1), options["clip"]);
  const at::Tensor values =
      options["beta"] == 0 ? surrogate : surrogate + options["beta"] * k3(response);
  return {.terms = {reduce_tokens(values, response, options)},
          .chosen_reward = {},
          .rejected_reward = {},
          .metrics = {{"reward", response.scores},
                      {"frac_zero_std", flat},
                      {"clip_fraction", clipped.logical_and(response.mask).sum(-1),
                       response.mask.sum(-1)}}};
}

}  // namespace

LossInfo grpo() {
  return {
      .name = "grpo",
      .summary = "policy gradient with advantages relative to the other answers of the prompt",
      .formula =
          "−min(r_t·A, clip(r_t, 1 ± ε)·A) + β·k3_t, A = (score − mean)/(std + 1e-4) in the group",
      .source = "Shao et al. 2024 (arXiv 2402.03300)",
      .form = LossForm::kSampled,
      .reads = {.reference = Use::kMay,
                .old = Use::kMust,
                .scores = Use::kMust,
                .whole_groups = true},
      .parameters = kParameters,
      .reads_with = &reads_reference_by_beta,
      .check = &check,
      .terms = &policy_term,
      .run = &run};
}

}  // namespace cupel::align::loss
