#pragma once

#include <array>
#include <string>

#include "align/losses/loss.h"

namespace cupel::align {

// Symbols, as in docs/losses.md: a, c, e = log(π/ref) of chosen, rejected and a third sequence,
// summed over its tokens; h = a − c; lw, ll = log π; l̄ = mean per token; ℓ = log σ. All of shape
// [B], with gradient to the policy alone.

/// Σ log π − Σ log ref.
at::Tensor log_ratio(const RoleBatch& role);
/// Σ log π.
at::Tensor seq_logp(const RoleBatch& role);
/// Σ log ref.
at::Tensor reference_logp(const RoleBatch& role);
/// Tokens of each sequence, by their weights.
at::Tensor token_count(const RoleBatch& role);
/// Σ log π ÷ tokens.
at::Tensor mean_logp(const RoleBatch& role);
/// h = a − c.
at::Tensor log_ratio_margin(const LossBatch& batch);

/// −p·ℓ(z) − (1 − p)·ℓ(−z), p the target probability of the batch (1 where it has none). The
/// gradient in z is σ(z) − p.
at::Tensor logistic_loss(const at::Tensor& logit, const LossBatch& batch);
/// As logistic_loss for one probability: cDPO's label smoothing is p = 1 − ε.
at::Tensor logistic_loss(const at::Tensor& logit, double target_prob);

/// The logit with `length_alpha`·(n_w − n_l) added (iLR-DPO, R-DPO), where the loss declares it.
at::Tensor with_length_term(const at::Tensor& logit,
                            const LossBatch& batch,
                            const LossOptions& options);
/// As logistic_loss(logit, batch) with the parameters that the loss declares of these:
/// `length_alpha`; `margin_gamma` makes p = σ(γ·gap) (MMPO).
at::Tensor shaped_logistic_loss(const at::Tensor& logit,
                                const LossBatch& batch,
                                const LossOptions& options);
/// The first row where `bad` [n] is true, or −1.
int64_t first_row(const at::Tensor& bad);
/// A group in messages: "row ID", or "group 3" where the batch has no names.
std::string group_name(const LossBatch& batch, int64_t group);
/// By how much chosen is better: the margins, else the difference of the scores; undefined: the
/// batch has neither.
at::Tensor rating_gap(const LossBatch& batch);
/// Margins, scores and labels as `margin_gamma` decides: set, it makes the target probability of
/// margins or scores; unset, nothing reads these.
LossReads reads_by_margin_gamma(LossReads reads, const LossOptions& options);
/// Errors: kInvalidArgument - `margin_gamma` is set, and there are neither margins nor scores, or
/// chosen is rated below rejected. Source: mmpo, "Done means" 5.
Result<Ok> check_margin_gamma(const LossBatch& batch, const LossOptions& options);

/// A logit is finite where a log-ratio of ±1e4 stands in an exponent: e^x with x capped (700 in
/// f64, 85 in f32), beyond which the gradient is 0.
at::Tensor capped_exp(const at::Tensor& exponent);

/// The output of a loss of one term, with rewards β·log(π/ref) of both sides.
LossOutput with_implicit_rewards(at::Tensor values, const LossBatch& batch, double beta);

/// As with_implicit_rewards; the rewards are β·log π of both sides, or of the mean per token.
LossOutput with_policy_rewards(at::Tensor values, const LossBatch& batch, double beta, bool mean);

/// A term of supervised learning: −Σ log π of each row (to be averaged per token), or −l̄ (per
/// group).
at::Tensor sft_values(const RoleBatch& role, bool per_token);

/// l̄ − log(1 − e^l̄), the log-odds of the mean probability of a token. A mean that is not below 0 is
/// taken as −1e-7, where the odds are finite; the gradient passes.
at::Tensor log_odds(const at::Tensor& mean);

inline constexpr std::array<std::string_view, 2> kSumOrMean = {"sum", "mean"};
inline constexpr std::array<std::string_view, 2> kTokenOrRow = {"token", "row"};

inline constexpr LossParameter kBeta{.name = "beta",
                                     .value = 0.1,
                                     .low = 0,
                                     .above_low = true,
                                     .summary = "strength of the KL constraint"};
inline constexpr LossParameter kLabelSmoothing{.name = "label_smoothing",
                                               .value = 0.1,
                                               .low = 0,
                                               .high = 0.5,
                                               .below_high = true,
                                               .summary = "share of labels that are wrong"};
inline constexpr LossParameter kLengthAlpha{
    .name = "length_alpha",
    .value = 0,
    .low = 0,
    .summary = "per token of length difference, added to the logit"};
inline constexpr LossParameter kMarginGamma{
    .name = "margin_gamma",
    .low = 0,
    .summary = "target probability σ(γ·gap) from margins or score differences (MMPO)"};
/// The log-ratio of a sequence, summed over its tokens or their mean.
inline constexpr LossParameter kLogRatio{.name = "log_ratio",
                                         .value = 0,
                                         .summary = "over the tokens of a sequence",
                                         .words = kSumOrMean};
inline constexpr LossParameter kSftByToken{
    .name = "sft_reduction",
    .value = 0,
    .summary = "the NLL is averaged over all tokens, or by row",
    .words = kTokenOrRow};
inline constexpr LossParameter kSftByRow{
    .name = "sft_reduction",
    .value = 1,
    .summary = "the NLL is averaged over all tokens, or by row",
    .words = kTokenOrRow};

/// Numbers of the responses, one each, by group: [K] each.
std::vector<at::Tensor> split_groups(const LossBatch& batch, const at::Tensor& values);
/// Errors: kInvalidArgument - the scores of a ranked group rise, though the best comes first.
Result<Ok> check_ranking(std::string_view loss, const LossBatch& batch);

/// The term "preference" by group and the term "sft" as `sft_reduction` says, over the tokens of a
/// role.
std::vector<TermSpec> preference_and_sft(const LossOptions& options);
/// The summed or mean log-ratio, as `log_ratio` says.
at::Tensor log_ratio_by(const RoleBatch& role, const LossOptions& options);

}  // namespace cupel::align
