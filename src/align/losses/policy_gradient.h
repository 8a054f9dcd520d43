#pragma once

#include <array>
#include <string_view>

#include "align/losses/loss.h"

namespace cupel::align {

// What the losses of online training share: an advantage, a clipped ratio and a reduction. Letters:
// B completions, T tokens. Advantages, old and reference log-probs are constants.

inline constexpr LossParameter kClip{
    .name = "clip",
    .value = 0.2,
    .low = 0,
    .high = 1,
    .above_low = true,
    .summary = "how far the ratio to the sampling policy counts from 1"};
inline constexpr std::array<std::string_view, 3> kReductions = {"seq_mean", "token_mean", "fixed"};
inline constexpr std::array<std::string_view, 1> kFixed = {"fixed"};
inline constexpr LossParameter kMaxLength{.name = "max_length",
                                          .low = 1,
                                          .summary = "tokens that a completion is divided by",
                                          .with = "reduction",
                                          .with_words = kFixed};

/// Σ_t values ÷ what `reduction` says, as one summand for each completion: its mean (seq_mean), its
/// sum, to be averaged over all tokens (token_mean), or its sum ÷ max_length (fixed).
at::Tensor reduce_tokens(const at::Tensor& values,
                         const RoleBatch& role,
                         const LossOptions& options);
/// The term that goes with it.
std::vector<TermSpec> policy_term(const LossOptions& options);
/// Errors: kInvalidArgument - the reduction `fixed` without max_length.
Result<Ok> check_reduction(std::string_view loss, const LossOptions& options);
/// The reference is a must where `beta` weighs a KL to it, and needless where it is 0.
LossReads reads_reference_by_beta(LossReads reads, const LossOptions& options);

/// PPO's surrogate: −min(ratio·A, clip(ratio, 1 ± ε)·A), elementwise. Source: Schulman et al. 2017
/// (arXiv 1707.06347).
struct ClippedSurrogate {
  at::Tensor values;
  at::Tensor clipped;  ///< bool: the ratio was outside, and that changed the value
};
ClippedSurrogate clipped_surrogate(const at::Tensor& log_ratio,
                                   const at::Tensor& advantage,
                                   double clip);

/// log(π/π_old) of each token, [B,T], 0 where the mask is false.
at::Tensor ratio_to_old(const RoleBatch& role);
/// log(π_old/ref) of each token, [B,T], without gradient: the KL estimator k1.
at::Tensor drift_of_old(const RoleBatch& role);
/// The KL estimator k3 of each token, e^(−ρ) − 1 + ρ with ρ = log(π/ref): never negative. As a loss
/// its gradient is that of the forward KL.
at::Tensor k3(const RoleBatch& role);

/// Per completion the mean over its group, and how many that group has: [B] each.
struct GroupMean {
  at::Tensor mean;
  at::Tensor size;
};
GroupMean group_mean(const at::Tensor& values, const at::Tensor& group);
/// Whether all values of a completion's group are one number, [B] bool. What is taken off their
/// mean is then 0 but for rounding (0.1 + 0.1 + 0.1 is not 3 · 0.1), which must not be scaled up.
at::Tensor in_level_group(const at::Tensor& values, const at::Tensor& group);

}  // namespace cupel::align
