// What every loss asks of a batch, before the loss itself says what else it needs.
#include <algorithm>
#include <array>
#include <string>

#include "align/losses/common.h"
#include "align/losses/run_loss.h"
#include "base/error.h"
#include "tensor/guard.h"
#include "tensor/masked.h"

namespace cupel::align {
namespace {

at::Tensor not_finite(const at::Tensor& values, const at::Tensor& mask) {
  return values.isfinite().logical_not().logical_and(mask).any(-1);
}

Result<Ok> check_values(const LossInfo& info, Role role, const RoleBatch& batch) {
  const std::string_view name = role_name(role);
  if (batch.policy.dim() != 2 || !batch.mask.defined() ||
      batch.mask.sizes() != batch.policy.sizes() ||
      (batch.reference.defined() && batch.reference.sizes() != batch.policy.sizes()) ||
      (batch.old.defined() && batch.old.sizes() != batch.policy.sizes()) ||
      (batch.weights.defined() && batch.weights.sizes() != batch.policy.sizes())) {
    return invalid_argument("{}: {}: expected log-probs, mask and weights of one shape [B,T]",
                            info.name, name);
  }
  if (const int64_t row = first_row(batch.mask.any(-1).logical_not()); row >= 0) {
    return invalid_argument("{}[{}] is empty; {} needs at least one token in every sequence", name,
                            row, info.name);
  }
  for (const at::Tensor* values : {&batch.policy, &batch.reference, &batch.old, &batch.weights}) {
    if (!values->defined()) {
      continue;
    }
    if (const int64_t row = first_row(not_finite(*values, batch.mask)); row >= 0) {
      return invalid_argument("{}[{}] holds {} that is not finite", name, row,
                              values == &batch.weights ? "a weight" : "a log-prob");
    }
  }
  if (batch.weights.defined()) {
    const at::Tensor sums = tensor::masked_count(batch.mask, batch.weights, batch.weights);
    const at::Tensor negative = (batch.weights < 0).logical_and(batch.mask).any(-1);
    if (const int64_t row = first_row(negative.logical_or(sums <= 0)); row >= 0) {
      return invalid_argument("{}[{}]: weights must be >= 0, and not all of them 0", name, row);
    }
  }
  return Ok{};
}

/// "dpo", or where parameters decide what it reads "grpo with beta = 0.04".
std::string with_parameters(const LossInfo& info, const LossOptions& options) {
  const std::string given = info.reads_with == nullptr ? "" : options.given();
  return given.empty() ? std::string(info.name) : format("{} with {}", info.name, given);
}

bool needs_reference(const LossReads& reads, Role role) {
  return reads.reference == Use::kMust && role != Role::kPrompt &&
         std::ranges::find(reads.without_reference, role) == reads.without_reference.end();
}

Result<Ok> check_scores(const LossInfo& info,
                        const LossReads& reads,
                        Role role,
                        const RoleBatch& batch) {
  const at::Tensor& scores = batch.scores;
  const bool inside = scores.dim() == 2 && scores.sizes() == batch.policy.sizes();
  if (reads.scores_inside && inside) {
    return Ok{};
  }
  if (scores.dim() != 1) {
    return invalid_argument("{}: {} reads one score for each sequence{}", role_name(role),
                            info.name, reads.scores_inside ? ", or one for each token" : "");
  }
  if (scores.size(0) != batch.rows()) {
    return invalid_argument("{}: {} scores for {} sequences", role_name(role), scores.size(0),
                            batch.rows());
  }
  if (const int64_t row = first_row(scores.isfinite().logical_not()); row >= 0) {
    return invalid_argument("{}[{}] has no score; {} needs one of every sequence", role_name(role),
                            row, info.name);
  }
  return Ok{};
}

Result<Ok> check_role(const LossInfo& info,
                      const LossOptions& options,
                      Role role,
                      const RoleBatch& batch) {
  CUPEL_TRY_VOID(check_values(info, role, batch));
  const LossReads reads = reads_of(info, options);
  if (needs_reference(reads, role) && !batch.reference.defined()) {
    return invalid_argument("{} needs the log-probs of a reference, and {} has none",
                            with_parameters(info, options), role_name(role));
  }
  if (reads.old == Use::kMust && !batch.old.defined()) {
    return invalid_argument(
        "{} needs the log-probs of the policy that sampled (old), and {} has none", info.name,
        role_name(role));
  }
  if (reads.scores == Use::kMust && role != Role::kPrompt && !batch.scores.defined()) {
    return invalid_argument("{} needs scores, and {} has none", info.name, role_name(role));
  }
  if (reads.scores != Use::kNo && batch.scores.defined()) {
    return check_scores(info, reads, role, batch);
  }
  return Ok{};
}

std::vector<Role> roles_of_form(const LossInfo& info, const LossBatch& batch) {
  switch (info.form) {
    case LossForm::kSingle:
      return {Role::kChosen};
    case LossForm::kRanked:
    case LossForm::kSampled:
      return {Role::kResponse};
    case LossForm::kUnpaired: {
      std::vector<Role> some;
      for (const Role role : {Role::kChosen, Role::kRejected}) {
        if (batch[role].present()) {
          some.push_back(role);
        }
      }
      return some;
    }
    default:
      return {Role::kChosen, Role::kRejected};
  }
}

/// The roles that the loss reads and the batch has. Errors: one that it cannot do without is
/// absent.
Result<std::vector<Role>> roles_read(const LossInfo& info, const LossBatch& batch) {
  std::vector<Role> roles = roles_of_form(info, batch);
  if (roles.empty()) {
    return invalid_argument(
        "{} needs chosen (desirable) or rejected (undesirable) sequences, and there are none",
        info.name);
  }
  roles.insert(roles.end(), info.reads.roles.begin(), info.reads.roles.end());
  for (const Role role : roles) {
    if (batch[role].rows() == 0) {
      return invalid_argument("{} needs the role {}, which is missing", info.name, role_name(role));
    }
  }
  for (const Role role : info.reads.may_roles) {
    if (batch[role].present()) {
      roles.push_back(role);
    }
  }
  return roles;
}

Result<Ok> check_rows(const LossInfo& info, const LossBatch& batch, std::span<const Role> roles) {
  if (info.form != LossForm::kSingle && info.form != LossForm::kPairwise &&
      info.form != LossForm::kTernary) {
    return Ok{};
  }
  const int64_t rows = batch[Role::kChosen].rows();
  for (const Role role : roles) {
    if (batch[role].rows() != rows) {
      return invalid_argument(
          "{}: {} sequences of {} beside {} of chosen; row g of every role is one group", info.name,
          batch[role].rows(), role_name(role), rows);
    }
  }
  return Ok{};
}

struct GroupField {
  std::string_view name;
  const at::Tensor& values;
  Use use;
  double low;
  double high;
};

Result<Ok> check_field(const std::string& loss, const GroupField& field, int64_t groups) {
  if (!field.values.defined()) {
    return field.use != Use::kMust
               ? Result<Ok>(Ok{})
               : invalid_argument("{} needs {}, one for each pair", loss, field.name);
  }
  if (field.use == Use::kNo) {
    return invalid_argument("{} reads no {}; leave them out", loss, field.name);
  }
  if (field.values.dim() != 1 || field.values.size(0) != groups) {
    return invalid_argument("{}: {} {} for {} groups", loss, field.values.numel(), field.name,
                            groups);
  }
  const at::Tensor good = field.values.isfinite()
                              .logical_and(field.values >= field.low)
                              .logical_and(field.values <= field.high);
  if (const int64_t row = first_row(good.logical_not()); row >= 0) {
    return invalid_argument("{}[{}] is {:g}; expected a number in [{:g}, {:g}]", field.name, row,
                            field.values.select(0, row).item<double>(), field.low, field.high);
  }
  return Ok{};
}

Result<Ok> check_groups(const LossInfo& info, const LossBatch& batch) {
  if (info.form != LossForm::kRanked && info.form != LossForm::kSampled) {
    return Ok{};
  }
  const at::Tensor& group = batch.group;
  const int64_t rows = batch[Role::kResponse].rows();
  if (!group.defined() || group.dim() != 1 || group.size(0) != rows) {
    return invalid_argument("{} needs the group of each of the {} responses", info.name, rows);
  }
  const at::Tensor sizes = group.bincount();
  if (group.min().item<int64_t>() < 0 || (group.diff() < 0).any().item<bool>()) {
    return invalid_argument("{}: groups must be numbered from 0, ascending", info.name);
  }
  const int64_t small = first_row(sizes < 2);
  if (small >= 0 && (info.form == LossForm::kRanked || info.reads.whole_groups)) {
    return invalid_argument("{}: group {} has {} responses; to compare them it needs two",
                            info.name, small, sizes.select(0, small).item<int64_t>());
  }
  return Ok{};
}

}  // namespace

Result<Ok> check_batch(const LossInfo& info, const LossBatch& batch, const LossOptions& options) {
  return tensor::guard([&]() -> Result<Ok> {
    CUPEL_TRY_VOID(options.check(info.name));
    CUPEL_TRY(const std::vector<Role> roles, roles_read(info, batch));
    for (const Role role : roles) {
      CUPEL_TRY_VOID(check_role(info, options, role, batch[role]));
    }
    CUPEL_TRY_VOID(check_rows(info, batch, roles));
    CUPEL_TRY_VOID(check_groups(info, batch));
    const int64_t groups = batch[Role::kChosen].rows();
    const LossReads reads = reads_of(info, options);
    const std::string loss = with_parameters(info, options);
    const Use ties = info.form == LossForm::kTernary ? Use::kMay : Use::kNo;
    for (const GroupField& field :
         {GroupField{"margins", batch.margins, reads.margins, -kUnbounded, kUnbounded},
          GroupField{"labels", batch.target_prob, reads.target_prob, 0, 1},
          GroupField{"ties", batch.ties, ties, 0, 1}}) {
      CUPEL_TRY_VOID(check_field(loss, field, groups));
    }
    return info.check == nullptr ? Result<Ok>(Ok{}) : info.check(batch, options);
  });
}

}  // namespace cupel::align
