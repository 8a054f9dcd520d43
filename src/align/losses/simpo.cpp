// SimPO: Meng et al. 2024; its code writes β(l̄w − l̄l − γ/β) and has the variants.
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array<std::string_view, 2> kVariants = {"sigmoid", "hinge"};
constexpr std::array<std::string_view, 1> kSigmoid = {"sigmoid"};

constexpr std::array kParameters = {
    LossParameter{.name = "beta",
                  .value = 2,
                  .low = 0,
                  .above_low = true,
                  .summary = "scale of the mean log-prob"},
    LossParameter{
        .name = "gamma_beta_ratio", .value = 0.5, .low = 0, .summary = "target margin as γ/β"},
    LossParameter{.name = "gamma", .low = 0, .summary = "target margin; unset: β·gamma_beta_ratio"},
    LossParameter{
        .name = "variant", .value = 0, .summary = "loss of the margin", .words = kVariants},
    LossParameter{.name = "label_smoothing",
                  .value = 0,
                  .low = 0,
                  .high = 0.5,
                  .below_high = true,
                  .summary = kLabelSmoothing.summary,
                  .with = "variant",
                  .with_words = kSigmoid},
    LossParameter{.name = "sft_weight",
                  .value = 0,
                  .low = 0,
                  .summary = "weight of the NLL of the chosen answer"},
    kSftByToken,
    only_with(kLengthAlpha, "variant", kSigmoid),
    only_with(kMarginGamma, "variant", kSigmoid)};

double target_margin(const LossOptions& options) {
  return options.is_set("gamma") ? options["gamma"] : options["beta"] * options["gamma_beta_ratio"];
}

at::Tensor margin_loss(const at::Tensor& logit,
                       const LossBatch& batch,
                       const LossOptions& options) {
  if (options.word("variant") == "hinge") {
    return at::relu(1 - logit);
  }
  if (options["label_smoothing"] != 0) {
    return logistic_loss(with_length_term(logit, batch, options), 1 - options["label_smoothing"]);
  }
  return shaped_logistic_loss(logit, batch, options);
}

/// Labels are a target probability, and so are label_smoothing and margin_gamma; the hinge has
/// none.
LossReads reads_with(LossReads reads, const LossOptions& options) {
  reads = reads_by_margin_gamma(reads, options);
  if (options.word("variant") == "hinge" || options["label_smoothing"] != 0) {
    reads.target_prob = Use::kNo;
  }
  return reads;
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  if (options["label_smoothing"] != 0 && options.is_set("margin_gamma")) {
    return invalid_argument(
        "simpo: label_smoothing and margin_gamma both set the target probability; leave one of "
        "them out");
  }
  return check_margin_gamma(batch, options);
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const RoleBatch& chosen = batch[Role::kChosen];
  const at::Tensor margin = mean_logp(chosen) - mean_logp(batch[Role::kRejected]);  // [G]
  LossOutput output =
      with_policy_rewards(margin_loss(beta * margin - target_margin(options), batch, options),
                          batch, beta, /*mean=*/true);
  const bool per_token = options.word("sft_reduction") == "token";
  output.terms.push_back(options["sft_weight"] * sft_values(chosen, per_token));
  return output;
}

}  // namespace

LossInfo simpo() {
  return {.name = "simpo",
          .summary = "mean log-prob as reward, with a target margin and no reference",
          .formula = "−ℓ(β(l̄w − l̄l) − γ); hinge: max(0, 1 − β(l̄w − l̄l) + γ)",
          .source = "Meng et al. 2024 (arXiv 2405.14734)",
          .reads = {.scores = Use::kMay, .margins = Use::kMay, .target_prob = Use::kMay},
          .parameters = kParameters,
          .reads_with = &reads_with,
          .check = &check,
          .terms = &preference_and_sft,
          .run = &run};
}

}  // namespace cupel::align::loss
