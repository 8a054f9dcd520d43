// PPO's policy loss: Schulman et al. 2017. Advantages come with the data: of each token, or of the
// completion.
#include <array>

#include "align/losses/common.h"
#include "align/losses/policy_gradient.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {kClip,
                                    LossParameter{.name = "reduction",
                                                  .value = 1,
                                                  .summary = "of the tokens of the batch",
                                                  .words = kReductions},
                                    kMaxLength};

Result<Ok> check(const LossBatch& /*batch*/, const LossOptions& options) {
  return check_reduction("ppo", options);
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& response = batch[Role::kResponse];
  const at::Tensor advantage =
      response.scores.dim() == 1 ? response.scores.unsqueeze(1) : response.scores;
  const auto [values, clipped] =
      clipped_surrogate(ratio_to_old(response), advantage, options["clip"]);
  return {.terms = {reduce_tokens(values, response, options)},
          .chosen_reward = {},
          .rejected_reward = {},
          .metrics = {{"clip_fraction", clipped.logical_and(response.mask).sum(-1),
                       response.mask.sum(-1)}}};
}

}  // namespace

LossInfo ppo() {
  return {.name = "ppo",
          .summary = "policy gradient with a clipped ratio, advantages given",
          .formula = "−min(r_t·A_t, clip(r_t, 1 ± ε)·A_t), r_t = π/π_old, A = scores",
          .source = "Schulman et al. 2017 (arXiv 1707.06347)",
          .form = LossForm::kSampled,
          .reads = {.old = Use::kMust, .scores = Use::kMust, .scores_inside = true},
          .parameters = kParameters,
          .check = &check,
          .terms = &policy_term,
          .run = &run};
}

}  // namespace cupel::align::loss
