#include "align/losses/run_loss.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tensor/guard.h"
#include "tensor/masked.h"

namespace cupel::align {
namespace {

constexpr std::array<std::string_view, kRoles> kRoleNames = {
    "chosen", "rejected", "gold", "source_chosen", "explore", "mismatched", "prompt", "response"};

double sum_of(const at::Tensor& values) {
  return values.detach().sum(at::kDouble).item<double>();
}

void add_metric(std::vector<MetricSum>& metrics,
                std::string name,
                const at::Tensor& values,
                const at::Tensor& counts = {}) {
  if (values.defined() && values.numel() > 0) {
    const double count = counts.defined() ? sum_of(counts) : static_cast<double>(values.numel());
    metrics.push_back({std::move(name), sum_of(values), count});
  }
}

void add_rewards(std::vector<MetricSum>& metrics, const LossInfo& info, const LossOutput& output) {
  add_metric(metrics, "rewards/chosen", output.chosen_reward);
  add_metric(metrics, "rewards/rejected", output.rejected_reward);
  const bool paired = info.form == LossForm::kPairwise || info.form == LossForm::kTernary;
  if (paired && output.chosen_reward.defined() && output.rejected_reward.defined()) {
    const at::Tensor margin = output.chosen_reward - output.rejected_reward;
    add_metric(metrics, "rewards/margins", margin);
    add_metric(metrics, "rewards/accuracies", margin > 0);
  }
}

void add_logps(std::vector<MetricSum>& metrics, const LossBatch& batch) {
  for (size_t i = 0; i < kRoles; ++i) {
    const RoleBatch& role = batch.roles[i];
    if (role.present()) {
      add_metric(metrics, format("logps/{}", kRoleNames[i]),
                 tensor::masked_sum(role.policy, role.mask, {}));
    }
  }
}

double groups_of(const LossInfo& info, const LossBatch& batch) {
  const auto chosen = static_cast<double>(batch[Role::kChosen].rows());
  switch (info.form) {
    case LossForm::kUnpaired:
      return chosen + static_cast<double>(batch[Role::kRejected].rows());
    case LossForm::kRanked:
      return batch.group.max().item<double>() + 1;
    case LossForm::kSampled:
      return static_cast<double>(batch[Role::kResponse].rows());
    default:
      return chosen;
  }
}

double tokens_of(const RoleBatch& role) {
  if (!role.present()) {
    return 0;
  }
  return tensor::masked_count(role.mask, role.weights, at::empty({0}, at::kDouble))
      .sum()
      .item<double>();
}

double count_of(const TermSpec& term, const LossInfo& info, const LossBatch& batch) {
  if (!term.per_token) {
    return groups_of(info, batch);
  }
  const double prompt =
      term.prompt_weight == 0 ? 0 : term.prompt_weight * tokens_of(batch[Role::kPrompt]);
  return tokens_of(batch[term.role]) + prompt;
}

/// The batch with zeros where nothing counts, so that no loss has to think of padding, and with its
/// survey.
LossBatch prepared(const LossInfo& info, const LossBatch& batch, const LossOptions& options) {
  LossBatch whole = batch;
  for (RoleBatch& role : whole.roles) {
    for (at::Tensor* const values :
         {&role.policy, &role.reference, &role.old, &role.weights, &role.scores}) {
      if (values->defined() && values->sizes() == role.mask.sizes()) {
        *values = tensor::masked(*values, role.mask);
      }
    }
  }
  if (info.survey != nullptr && !whole.survey.defined()) {
    whole.survey = info.survey(whole, options).detach();
    whole.survey_begin = 0;
  }
  return whole;
}

}  // namespace

std::string_view role_name(Role role) {
  return kRoleNames[static_cast<size_t>(role)];
}

std::vector<TermSpec> one_term(const LossOptions& /*options*/) {
  return {TermSpec{}};
}

LossReads reads_of(const LossInfo& info, const LossOptions& options) {
  return info.reads_with == nullptr ? info.reads : info.reads_with(info.reads, options);
}

std::vector<double> loss_counts(const LossInfo& info,
                                const LossBatch& batch,
                                const LossOptions& options) {
  std::vector<double> counts;
  for (const TermSpec& term : info.terms(options)) {
    counts.push_back(count_of(term, info, batch));
  }
  return counts;
}

Result<LossSums> run_loss(const LossInfo& info,
                          const LossBatch& batch,
                          const LossOptions& options) {
  return tensor::guard([&]() -> Result<LossSums> {
    const LossOutput output = info.run(prepared(info, batch, options), options);
    LossSums sums;
    sums.counts = loss_counts(info, batch, options);
    CUPEL_CHECK(output.terms.size() == sums.counts.size(),
                "a loss returns as many terms as it declares");
    for (const at::Tensor& values : output.terms) {
      sums.numerators.push_back(values.sum());
    }
    add_rewards(sums.metrics, info, output);
    if (info.input == LossInput::kTokenLogps) {
      add_logps(sums.metrics, batch);
    }
    for (const LossMetric& metric : output.metrics) {
      add_metric(sums.metrics, metric.name, metric.values, metric.counts);
    }
    return sums;
  });
}

at::Tensor mean_loss(const LossSums& sums) {
  at::Tensor total;
  for (size_t i = 0; i < sums.numerators.size(); ++i) {
    if (sums.counts[i] != 0) {
      const at::Tensor mean = sums.numerators[i] / sums.counts[i];
      total = total.defined() ? total + mean : mean;
    }
  }
  return total.defined() ? total : at::zeros({}, at::kDouble);
}

}  // namespace cupel::align
