#include "align/losses/common.h"

#include "base/error.h"
#include "tensor/masked.h"

namespace cupel::align {

using tensor::masked_count;
using tensor::masked_sum;

at::Tensor seq_logp(const RoleBatch& role) {
  return masked_sum(role.policy, role.mask, role.weights);
}

at::Tensor reference_logp(const RoleBatch& role) {
  return masked_sum(role.reference.detach(), role.mask, role.weights);
}

at::Tensor log_ratio(const RoleBatch& role) {
  // By token first: two sums of a long answer would lose the digits in which they differ.
  return masked_sum(role.policy - role.reference.detach(), role.mask, role.weights);
}

at::Tensor token_count(const RoleBatch& role) {
  return masked_count(role.mask, role.weights, role.policy);
}

at::Tensor mean_logp(const RoleBatch& role) {
  return seq_logp(role) / token_count(role);
}

at::Tensor log_ratio_margin(const LossBatch& batch) {
  return log_ratio(batch[Role::kChosen]) - log_ratio(batch[Role::kRejected]);
}

at::Tensor logistic_loss(const at::Tensor& logit, const LossBatch& batch) {
  if (!batch.target_prob.defined()) {
    return -at::log_sigmoid(logit);
  }
  return -batch.target_prob * at::log_sigmoid(logit) -
         (1 - batch.target_prob) * at::log_sigmoid(-logit);
}

at::Tensor logistic_loss(const at::Tensor& logit, double target_prob) {
  return -target_prob * at::log_sigmoid(logit) - (1 - target_prob) * at::log_sigmoid(-logit);
}

int64_t first_row(const at::Tensor& bad) {
  const at::Tensor rows = bad.nonzero();
  return rows.numel() == 0 ? -1 : rows.select(0, 0).item<int64_t>();
}

std::string group_name(const LossBatch& batch, int64_t group) {
  return batch.names.empty() ? format("group {}", group)
                             : format("row {}", batch.names[static_cast<size_t>(group)]);
}

at::Tensor rating_gap(const LossBatch& batch) {
  if (batch.margins.defined()) {
    return batch.margins;
  }
  const at::Tensor& chosen = batch[Role::kChosen].scores;
  const at::Tensor& rejected = batch[Role::kRejected].scores;
  return chosen.defined() && rejected.defined() ? chosen - rejected : at::Tensor();
}

LossReads reads_by_margin_gamma(LossReads reads, const LossOptions& options) {
  if (options.is_set("margin_gamma")) {
    reads.target_prob = Use::kNo;
  } else {
    reads.margins = Use::kNo;
    reads.scores = Use::kNo;
  }
  return reads;
}

Result<Ok> check_margin_gamma(const LossBatch& batch, const LossOptions& options) {
  if (!options.is_set("margin_gamma")) {
    return Ok{};
  }
  const at::Tensor gap = rating_gap(batch);  // [G]
  if (!gap.defined()) {
    return invalid_argument(
        "margin_gamma needs margins, or scores of chosen and rejected, and there are neither");
  }
  if (const int64_t row = first_row(gap < 0); row >= 0) {
    return invalid_argument(
        "{}: chosen is rated below rejected (by {:g}), and margin_gamma would teach rejected; swap "
        "the two answers or leave the pair out",
        group_name(batch, row), -gap.select(0, row).item<double>());
  }
  return Ok{};
}

at::Tensor with_length_term(const at::Tensor& logit,
                            const LossBatch& batch,
                            const LossOptions& options) {
  if (!options.declares("length_alpha") || options["length_alpha"] == 0) {
    return logit;
  }
  const at::Tensor longer = masked_count(batch[Role::kChosen].mask, {}, logit) -
                            masked_count(batch[Role::kRejected].mask, {}, logit);  // [G]
  return logit + options["length_alpha"] * longer;
}

at::Tensor shaped_logistic_loss(const at::Tensor& logit,
                                const LossBatch& batch,
                                const LossOptions& options) {
  const at::Tensor shifted = with_length_term(logit, batch, options);
  if (options.declares("margin_gamma") && options.is_set("margin_gamma")) {
    LossBatch softened;
    softened.target_prob = at::sigmoid(options["margin_gamma"] * rating_gap(batch));
    return logistic_loss(shifted, softened);
  }
  return logistic_loss(shifted, batch);
}

at::Tensor sft_values(const RoleBatch& role, bool per_token) {
  return per_token ? -seq_logp(role) : -mean_logp(role);
}

at::Tensor log_odds(const at::Tensor& mean) {
  constexpr double kLargest = -1e-7;
  const at::Tensor below = at::where(mean < 0, mean, at::full_like(mean, kLargest)).detach();
  const at::Tensor value = mean + (below - mean).detach();
  return value - tensor::log1mexp(value);
}

std::vector<TermSpec> preference_and_sft(const LossOptions& options) {
  return {{.name = "preference"},
          {.name = "sft", .per_token = options.word("sft_reduction") == "token"}};
}

at::Tensor log_ratio_by(const RoleBatch& role, const LossOptions& options) {
  return options.word("log_ratio") == "sum" ? log_ratio(role) : log_ratio(role) / token_count(role);
}

std::vector<at::Tensor> split_groups(const LossBatch& batch, const at::Tensor& values) {
  const at::Tensor sizes = batch.group.bincount().to(at::kCPU);
  const auto* begin = sizes.const_data_ptr<int64_t>();
  return values.split_with_sizes({begin, static_cast<size_t>(sizes.numel())});
}

Result<Ok> check_ranking(std::string_view loss, const LossBatch& batch) {
  const at::Tensor& scores = batch[Role::kResponse].scores;
  if (!scores.defined()) {
    return Ok{};
  }
  const at::Tensor rises = (scores.diff() > 0).logical_and(batch.group.diff() == 0);
  if (const int64_t row = first_row(rises); row >= 0) {
    return invalid_argument(
        "{}: {}: an answer has a higher score than the one before it ({:g}); "
        "list the best first",
        loss, group_name(batch, batch.group.select(0, row).item<int64_t>()),
        scores.select(0, row + 1).item<double>());
  }
  return Ok{};
}

LossOutput with_policy_rewards(at::Tensor values, const LossBatch& batch, double beta, bool mean) {
  const auto reward = [&](const RoleBatch& role) {
    return (beta * (mean ? mean_logp(role) : seq_logp(role))).detach();
  };
  return {.terms = {std::move(values)},
          .chosen_reward = reward(batch[Role::kChosen]),
          .rejected_reward = reward(batch[Role::kRejected])};
}

at::Tensor capped_exp(const at::Tensor& exponent) {
  return at::exp(at::clamp_max(exponent, exponent.scalar_type() == at::kDouble ? 700 : 85));
}

LossOutput with_implicit_rewards(at::Tensor values, const LossBatch& batch, double beta) {
  return {.terms = {std::move(values)},
          .chosen_reward = beta * log_ratio(batch[Role::kChosen]).detach(),
          .rejected_reward = beta * log_ratio(batch[Role::kRejected]).detach()};
}

}  // namespace cupel::align
