// WRPO: Yang et al. 2024: the chosen reward is mixed from the best answers of other models and its
// own.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {
namespace {

constexpr std::array kRolesRead = {Role::kSourceChosen};
constexpr std::array<std::string_view, 3> kBases = {"dpo", "simpo", "ipo"};
constexpr std::array<std::string_view, 1> kSimpo = {"simpo"};
constexpr std::array<std::string_view, 2> kLogistic = {"dpo", "simpo"};

constexpr std::array kParameters = {
    kBeta,
    LossParameter{.name = "alpha",
                  .value = 0.1,
                  .low = 0,
                  .high = 1,
                  .summary = "share of the other models' answer"},
    LossParameter{
        .name = "base", .value = 0, .summary = "the loss of the mixed reward", .words = kBases},
    LossParameter{.name = "gamma",
                  .value = 1,
                  .low = 0,
                  .summary = "target margin",
                  .with = "base",
                  .with_words = kSimpo},
    LossParameter{.name = "label_smoothing",
                  .value = 0,
                  .low = 0,
                  .high = 0.5,
                  .below_high = true,
                  .summary = kLabelSmoothing.summary,
                  .with = "base",
                  .with_words = kLogistic}};

LossReads reads_with(LossReads reads, const LossOptions& options) {
  reads.reference = options.word("base") == "simpo" ? Use::kNo : Use::kMust;
  return reads;
}

LossOutput run(const LossBatch& batch, const LossOptions& options) {
  const double beta = options["beta"];
  const double alpha = options["alpha"];
  const bool simpo = options.word("base") == "simpo";
  const auto reward = [&](Role role) {
    return simpo ? mean_logp(batch[role]) : log_ratio(batch[role]);
  };
  const at::Tensor mixed =
      alpha * reward(Role::kSourceChosen) + (1 - alpha) * reward(Role::kChosen);  // [G]
  const at::Tensor margin = mixed - reward(Role::kRejected);                      // [G]
  const double gamma = simpo ? options["gamma"] : 0;
  const at::Tensor values =
      options.word("base") == "ipo"
          ? (margin - 1 / (2 * beta)).square()
          : logistic_loss(beta * margin - gamma, 1 - options["label_smoothing"]);
  return {.terms = {values},
          .chosen_reward = beta * mixed.detach(),
          .rejected_reward = beta * reward(Role::kRejected).detach(),
          .metrics = {{"rewards/source_chosen", beta * reward(Role::kSourceChosen).detach()}}};
}

}  // namespace

LossInfo wrpo() {
  return {
      .name = "wrpo",
      .summary = "fuses other models: the chosen reward is mixed with that of their best answer",
      .formula = "−ℓ(β(αe + (1−α)a − c)), e of source_chosen; by base: as simpo, ipo",
      .source = "Yang et al. 2024 (arXiv 2412.03187)",
      .reads = {.reference = Use::kMay, .roles = kRolesRead},
      .parameters = kParameters,
      .reads_with = &reads_with,
      .run = &run};
}

}  // namespace cupel::align::loss
