// Reward model of Bradley and Terry: Stiennon et al. 2020; margin as Touvron et al. 2023.
#include <array>

#include "align/losses/common.h"
#include "base/error.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kParameters = {
    LossParameter{.name = "center_coefficient",
                  .value = 0,
                  .low = 0,
                  .summary = "c, pulls rewards to zero mean; 0.01 is usual"},
    kMarginGamma};

/// Margins are taken off the logit where they are not the ratings of margin_gamma.
LossReads reads_with(LossReads reads, const LossOptions& options) {
  const Use margins = reads.margins;
  reads = reads_by_margin_gamma(reads, options);
  reads.margins = margins;
  return reads;
}

Result<Ok> check(const LossBatch& batch, const LossOptions& options) {
  for (const Role role : {Role::kChosen, Role::kRejected}) {
    if (batch[role].policy.size(1) != 1) {
      return invalid_argument("bradley_terry: {} has {} outputs a sequence; a reward is one",
                              role_name(role), batch[role].policy.size(1));
    }
  }
  return check_margin_gamma(batch, options);
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const at::Tensor chosen = seq_logp(batch[Role::kChosen]);      // [G]
  const at::Tensor rejected = seq_logp(batch[Role::kRejected]);  // [G]
  at::Tensor margin = chosen - rejected;
  if (batch.margins.defined() && !options.is_set("margin_gamma")) {
    margin = margin - batch.margins;
  }
  const at::Tensor centre = options["center_coefficient"] * (chosen + rejected).square();
  return {.terms = {shaped_logistic_loss(margin, batch, options) + centre},
          .chosen_reward = chosen.detach(),
          .rejected_reward = rejected.detach()};
}

}  // namespace

LossInfo bradley_terry() {
  return {.name = "bradley_terry",
          .summary = "reward model from pairs, with margin, centring and soft labels",
          .formula = "−ℓ(s_w − s_l − m) + c(s_w + s_l)², s = outputs",
          .source = "Stiennon et al. 2020 (arXiv 2009.01325); Touvron et al. 2023",
          .input = LossInput::kOutputs,
          .reads = {.scores = Use::kMay, .margins = Use::kMay, .target_prob = Use::kMay},
          .parameters = kParameters,
          .reads_with = &reads_with,
          .check = &check,
          .run = &run};
}

}  // namespace cupel::align::loss
