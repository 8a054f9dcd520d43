// Supervised fine-tuning; with a weight on the prompt: instruction modelling (Shi et al. 2024).
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kMayRoles = {Role::kPrompt};

constexpr std::array kParameters = {
    LossParameter{.name = "prompt_loss_weight",
                  .value = 0,
                  .low = 0,
                  .summary = "of a token of the prompt; 1 is instruction modelling"},
    LossParameter{.name = "reduction",
                  .value = 0,
                  .summary = "mean over all tokens, or of row means",
                  .words = kTokenOrRow}};

std::vector<TermSpec> terms(const LossOptions& options) {
  return {{.name = "sft",
           .per_token = options.word("reduction") == "token",
           .prompt_weight = options["prompt_loss_weight"]}};
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (options["prompt_loss_weight"] != 0 && !batch[Role::kPrompt].present()) {
    return invalid_argument("sft: prompt_loss_weight is {:g}, and the role prompt is missing",
                            options["prompt_loss_weight"]);
  }
  return Ok{};
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double weight = options["prompt_loss_weight"];
  const RoleBatch& completion = batch[Role::kChosen];
  const RoleBatch& prompt = batch[Role::kPrompt];
  LossOutput output;
  at::Tensor sum = -seq_logp(completion);      // [B]
  at::Tensor count = token_count(completion);  // [B]
  output.metrics.push_back({"nll/completion", sum.detach(), count});
  if (prompt.present()) {
    const at::Tensor prompt_sum = -seq_logp(prompt);      // [B]
    const at::Tensor prompt_count = token_count(prompt);  // [B]
    output.metrics.push_back({"nll/prompt", prompt_sum.detach(), prompt_count});
    if (weight != 0) {
      sum = sum + weight * prompt_sum;
      count = count + weight * prompt_count;
    }
  }
  output.terms = {options.word("reduction") == "token" ? sum : sum / count};
  return output;
}

}  // namespace

LossInfo sft() {
  return {.name = "sft",
          .summary = "next-token loss; on the prompt too if asked",
          .formula = "−Σ w·log π ÷ Σ w over all tokens: 1 in completions, w in prompts",
          .source = "Shi et al. 2024 (arXiv 2405.14394)",
          .form = LossForm::kSingle,
          .reads = {.may_roles = kMayRoles},
          .parameters = kParameters,
          .check = &check,
          .terms = &terms,
          .run = &run};
}

}  // namespace cupel::align::loss
