// REINFORCE++: Hu 2025: no group and no critic; reward-to-go, normalised over all tokens of the
// batch.
#include <array>

#include "align/losses/common.h"
#include "align/losses/policy_gradient.h"
#include "tensor/masked.h"

namespace cupel::align::loss {
namespace {

constexpr double kEpsilon = 1e-8;
constexpr std::array kParameters = {
    kClip, LossParameter{.name = "beta",
                         .value = 0.01,
                         .low = 0,
                         .summary = "KL to the reference, taken off each token's reward"}};

std::vector<TermSpec> terms(const LossOptions& /*options*/) {
  return {{.name = "policy", .per_token = true, .role = Role::kResponse}};
}

/// Σ of the rewards from a token on: the score stands at the last token. [B,T]
at::Tensor reward_to_go(const RoleBatch& response, double beta) {
  const at::Tensor from_end =
      response.mask.flip({-1}).cumsum(-1).flip({-1});  // tokens that are left
  const at::Tensor last = response.mask.logical_and(from_end == 1);
  at::Tensor rewards =
      at::where(last, response.scores.unsqueeze(-1), at::zeros_like(response.policy));
  if (beta != 0) {
    rewards = rewards - beta * drift_of_old(response);
  }
  return rewards.flip({-1}).cumsum(-1).flip({-1}).detach();
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& response = batch[Role::kResponse];
  const at::Tensor returns = reward_to_go(response, options["beta"]);
  const at::Tensor counted = returns.masked_select(response.mask);
  const at::Tensor centred = counted - counted.mean();
  const at::Tensor spread = centred.square().mean().sqrt();
  const at::Tensor advantage = (returns - counted.mean()) / (spread + kEpsilon);
  const auto [values, clipped] =
      clipped_surrogate(ratio_to_old(response), advantage, options["clip"]);
  return {.terms = {tensor::masked_sum(values, response.mask, response.weights)},
          .chosen_reward = {},
          .rejected_reward = {},
          .metrics = {{"reward", response.scores},
                      {"clip_fraction", clipped.logical_and(response.mask).sum(-1),
                       response.mask.sum(-1)}}};
}

}  // namespace

LossInfo reinforce_pp() {
  return {.name = "reinforce_pp",
          .summary = "policy gradient with reward-to-go, normalised over the batch",
          .formula =
              "−min(r_t·A_t, clip(r_t, 1 ± ε)·A_t) per token, A_t = normalised Σ_{s≥t}(score at "
              "the end − β·k1_s)",
          .source = "Hu 2025 (arXiv 2501.03262)",
          .form = LossForm::kSampled,
          .reads = {.reference = Use::kMay, .old = Use::kMust, .scores = Use::kMust},
          .parameters = kParameters,
          .reads_with = &reads_reference_by_beta,
          .terms = &terms,
          .run = &run};
}

}  // namespace cupel::align::loss
