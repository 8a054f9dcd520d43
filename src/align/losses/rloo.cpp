// RLOO: Ahmadian et al. 2024: the whole completion is one action, its baseline the mean of the
// others of its prompt.
#include <array>

#include "align/losses/common.h"
#include "align/losses/policy_gradient.h"
#include "tensor/masked.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    kClip, LossParameter{.name = "beta",
                         .value = 0,
                         .low = 0,
                         .summary = "KL to the reference, taken off the score"}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const RoleBatch& response = batch[Role::kResponse];
  at::Tensor reward = response.scores;  // [B]
  if (options["beta"] != 0) {
    reward = reward - options["beta"] * drift_of_old(response).sum(-1);
  }
  const auto [mean, size] = group_mean(reward, batch.group);
  const at::Tensor level = in_level_group(reward, batch.group);
  const at::Tensor centred = at::where(level, at::zeros_like(reward), reward - mean);
  const at::Tensor advantage = (centred * size / (size - 1)).detach();  // off the others' mean
  const at::Tensor log_ratio =
      tensor::masked_sum(ratio_to_old(response), response.mask, response.weights);  // [B]
  const auto [values, clipped] = clipped_surrogate(log_ratio, advantage, options["clip"]);
  return {.terms = {values},
          .chosen_reward = {},
          .rejected_reward = {},
          .metrics = {{"reward", response.scores}, {"clip_fraction", clipped}}};
}

}  // namespace

LossInfo rloo() {
  return {.name = "rloo",
          .summary = "policy gradient of whole answers, with the others of the prompt as baseline",
          .formula =
              "−min(r·A, clip(r, 1 ± ε)·A), r = Π_t π/π_old, A = score − mean of the group's other "
              "scores",
          .source = "Ahmadian et al. 2024 (arXiv 2402.14740)",
          .form = LossForm::kSampled,
          .reads = {.reference = Use::kMay,
                    .old = Use::kMust,
                    .scores = Use::kMust,
                    .whole_groups = true},
          .parameters = kParameters,
          .reads_with = &reads_reference_by_beta,
          .run = &run};
}

}  // namespace cupel::align::loss
