// ORPO: Hong et al. 2024. Paper: the NLL is that of the response; its code takes the prompt along.
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kMayRoles = {Role::kPrompt};
constexpr std::array<std::string_view, 2> kScopes = {"completion", "sequence"};

constexpr std::array kParameters = {
    LossParameter{.name = "lambda", .value = 0.1, .low = 0, .summary = "weight of the odds ratio"},
    LossParameter{.name = "sft_scope",
                  .value = 0,
                  .summary = "tokens of the NLL; sequence: with the prompt's",
                  .words = kScopes},
    kSftByToken};

std::vector<TermSpec> terms(const LossOptions& options) {
  std::vector<TermSpec> both = preference_and_sft(options);
  both[1].prompt_weight = options.word("sft_scope") == "sequence" ? 1 : 0;
  return both;
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (options.word("sft_scope") == "sequence" && !batch[Role::kPrompt].present()) {
    return invalid_argument("orpo: sft_scope is sequence, and the role prompt is missing");
  }
  return Ok{};
}

at::Tensor nll(const LossBatch& batch, const LossOptions& options) {
  at::Tensor sum = -seq_logp(batch[Role::kChosen]);      // [G]
  at::Tensor count = token_count(batch[Role::kChosen]);  // [G]
  if (options.word("sft_scope") == "sequence") {
    sum = sum - seq_logp(batch[Role::kPrompt]);
    count = count + token_count(batch[Role::kPrompt]);
  }
  return options.word("sft_reduction") == "token" ? sum : sum / count;
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const at::Tensor chosen = mean_logp(batch[Role::kChosen]);      // [G]
  const at::Tensor rejected = mean_logp(batch[Role::kRejected]);  // [G]
  const at::Tensor ratio = log_odds(chosen) - log_odds(rejected);
  const at::Tensor penalty = -at::log_sigmoid(ratio);  // L_OR of the paper
  LossOutput output = with_policy_rewards(options["lambda"] * penalty, batch, options["lambda"],
                                          /*mean=*/true);
  output.terms.push_back(nll(batch, options));
  output.metrics.push_back({"log_odds_ratio", ratio.detach()});
  output.metrics.push_back({"odds_ratio_loss", penalty.detach()});
  output.metrics.push_back(
      {"nll/chosen", -seq_logp(batch[Role::kChosen]).detach(), token_count(batch[Role::kChosen])});
  output.metrics.push_back({"clamped", (at::maximum(chosen, rejected) >= 0).detach()});
  return output;
}

}  // namespace

LossInfo orpo() {
  return {.name = "orpo",
          .summary = "NLL of the chosen answer and a log-odds ratio, no reference",
          .formula = "−l̄w − λℓ(o_w − o_l), o = l̄ − log(1 − e^l̄); the NLL per token",
          .source = "Hong et al. 2024 (arXiv 2403.07691)",
          .reads = {.may_roles = kMayRoles},
          .parameters = kParameters,
          .check = &check,
          .terms = &terms,
          .run = &run};
}

}  // namespace cupel::align::loss
