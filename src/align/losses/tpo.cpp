// TPO: Saeidi et al. 2024; TPO-L is the contrast "length".
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kMayRoles = {Role::kGold};
constexpr std::array<std::string_view, 4> kContrasts = {"sigmoid", "length", "hinge", "ipo"};
constexpr std::array<std::string_view, 1> kLength = {"length"};
constexpr std::array<std::string_view, 2> kLogistic = {"sigmoid", "length"};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "alpha", .value = 1, .low = 0, .summary = "weight of the NLL of gold"},
    LossParameter{.name = "contrast",
                  .value = 0,
                  .summary = "of the two others: sums (sigmoid, hinge) or means (length, ipo)",
                  .words = kContrasts},
    LossParameter{.name = "gamma",
                  .value = 0.5,
                  .low = 0,
                  .summary = "target margin",
                  .with = "contrast",
                  .with_words = kLength},
    LossParameter{.name = "label_smoothing",
                  .value = 0,
                  .low = 0,
                  .high = 0.5,
                  .below_high = true,
                  .summary = kLabelSmoothing.summary,
                  .with = "contrast",
                  .with_words = kLogistic},
    LossParameter{.name = "gold_reduction",
                  .value = 0,
                  .summary = "mean over all tokens, or of row means",
                  .words = kTokenOrRow}};

std::vector<TermSpec> terms(const LossOptions& options) {
  return {{.name = "preference"},
          {.name = "gold",
           .per_token = options.word("gold_reduction") == "token",
           .role = Role::kGold}};
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (options["alpha"] != 0 && !batch[Role::kGold].present()) {
    return invalid_argument("tpo: alpha is {:g}, and the role gold is missing", options["alpha"]);
  }
  return Ok{};
}

at::Tensor contrast(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const std::string_view kind = options.word("contrast");
  const bool means = kind == "length" || kind == "ipo";
  const auto logp = [&](Role role) {
    return means ? mean_logp(batch[role]) : seq_logp(batch[role]);
  };
  const at::Tensor margin = logp(Role::kChosen) - logp(Role::kRejected);  // [G]
  if (kind == "hinge") {
    return at::relu(1 - beta * margin);
  }
  if (kind == "ipo") {
    return (margin - 1 / (2 * beta)).square();
  }
  const double gamma = kind == "length" ? options["gamma"] : 0;
  return logistic_loss(beta * margin - gamma, 1 - options["label_smoothing"]);
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const std::string_view kind = options.word("contrast");
  const RoleBatch& gold = batch[Role::kGold];
  LossOutput output = with_policy_rewards(contrast(batch, options), batch, options["beta"],
                                          kind == "length" || kind == "ipo");
  if (gold.present()) {
    output.terms.push_back(options["alpha"] *
                           sft_values(gold, options.word("gold_reduction") == "token"));
    output.metrics.push_back({"nll/gold", -seq_logp(gold).detach(), token_count(gold)});
  } else {
    output.terms.push_back(at::zeros_like(output.terms[0]));
  }
  return output;
}

}  // namespace

LossInfo tpo() {
  return {.name = "tpo",
          .summary = "NLL of a gold answer and a contrast of two others, no reference",
          .formula = "−ℓ(β(lw − ll)) − α·log π(gold) per token; length: −ℓ(β(l̄w − l̄l) − γ)",
          .source = "Saeidi et al. 2024 (arXiv 2405.16681)",
          .reads = {.may_roles = kMayRoles},
          .parameters = kParameters,
          .check = &check,
          .terms = &terms,
          .run = &run};
}

}  // namespace cupel::align::loss
