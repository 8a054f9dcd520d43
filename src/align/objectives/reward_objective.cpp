#include "align/objectives/reward_objective.h"

#include <cmath>
#include <utility>

#include "align/losses/run_loss.h"
#include "align/objectives/group_items.h"
#include "base/error.h"
#include "base/text.h"
#include "train/loop/batch_pass.h"

namespace cupel::align {
namespace {

using train::ExampleGroup;
using train::PackedBatch;

/// The ratings of rows [n, K], NaN where a row has none of that name.
at::Tensor ratings_of(const train::DataSet& data,
                      std::span<const int64_t> items,
                      const std::vector<std::string>& attributes) {
  std::vector<double> values;
  for (const int64_t item : items) {
    const auto& ratings = data.groups[static_cast<size_t>(item)].ratings;
    for (const std::string& name : attributes) {
      const auto found = std::find_if(ratings.begin(), ratings.end(),
                                      [&](const auto& one) { return one.first == name; });
      values.push_back(found == ratings.end() ? std::nan("") : found->second);
    }
  }
  return train::double_tensor(values).view(
      {static_cast<int64_t>(items.size()), static_cast<int64_t>(attributes.size())});
}

/// Which rows of the flat batch hold the last tokens of some documents.
at::Tensor last_rows(std::span<const size_t> documents, const PackedBatch& batch) {
  std::vector<int64_t> rows;
  for (const size_t index : documents) {
    rows.push_back(batch.documents[index].end - 1);
  }
  return train::index_tensor(rows);
}

/// The batch that a loss over outputs sees; `outputs` [T, K] of every token.
Result<LossBatch> output_batch(const LossInfo& info,
                               const LossOptions& options,
                               const train::DataSet& data,
                               std::span<const int64_t> items,
                               const PackedBatch& packed,
                               const std::vector<std::string>& attributes,
                               const at::Tensor& outputs) {
  CUPEL_TRY(const AnswerRoles roles, answer_roles(info, data, packed, false));
  LossBatch batch;
  for (size_t i = 0; i < kRoles; ++i) {
    if (!roles.documents[i].empty()) {
      RoleBatch& role = batch.roles[i];
      role.policy = outputs.index_select(0, last_rows(roles.documents[i], packed));
      role.mask = at::ones_like(role.policy.detach()).to(at::kBool);
    }
  }
  if (!roles.group.empty()) {
    batch.group = train::index_tensor(roles.group);
  }
  if (attributes.empty()) {
    CUPEL_TRY_VOID(add_ratings(info, options, roles, data, packed, batch));
    return batch;
  }
  RoleBatch& rated = batch[Role::kChosen];
  const at::Tensor ratings = ratings_of(data, items, attributes);
  rated.mask = ratings.isfinite();
  rated.scores = ratings.to(rated.policy.options());
  if (const at::Tensor none = rated.mask.any(-1).logical_not().nonzero(); none.numel() > 0) {
    const auto row = static_cast<size_t>(none.select(0, 0).item<int64_t>());
    return invalid_argument("row {} has no rating of reward.attributes ({})",
                            data.groups[static_cast<size_t>(items[row])].id,
                            join(attributes, ", "));
  }
  return batch;
}

Result<LossBatch> empty_batch(const LossInfo& info,
                              const LossOptions& options,
                              const train::DataSet& data,
                              std::span<const int64_t> items,
                              const std::vector<std::string>& attributes) {
  const PackedBatch packed = train::pack_groups(data.groups, items);
  const auto outputs = static_cast<int64_t>(std::max<size_t>(1, attributes.size()));
  return output_batch(info, options, data, items, packed, attributes,
                      at::zeros({packed.tokens(), outputs}, at::kDouble));
}

}  // namespace

Result<Ok> check_reward_rows(const LossInfo& info,
                             const LossOptions& options,
                             const train::DataSet& data,
                             const std::vector<std::string>& attributes) {
  const bool rates = info.form == LossForm::kSingle;
  if (rates && attributes.empty()) {
    return invalid_argument(
        "{} learns ratings; name the members of rows that hold them with "
        "reward.attributes",
        info.name);
  }
  if (!rates && !attributes.empty()) {
    return invalid_argument("reward.attributes is for reward_regression; {} compares answers",
                            info.name);
  }
  if (attributes.empty()) {
    CUPEL_TRY_VOID(check_ratings(info, options, data));
  }
  return for_each_items(data, [&](const std::vector<int64_t>& items) -> Result<Ok> {
    CUPEL_TRY(const LossBatch batch, empty_batch(info, options, data, items, attributes));
    return check_batch(info, batch, options);
  });
}

Result<std::vector<double>> RewardObjective::begin_step(const train::StepPlan& plan) {
  const std::vector<int64_t> items = items_of(plan);
  CUPEL_TRY(const LossBatch batch, empty_batch(*info_, options_, *data_, items, attributes_));
  return loss_counts(*info_, batch, options_);
}

Result<train::Contribution> RewardObjective::run(const train::MicroBatch& batch) {
  const std::vector<int64_t> items = items_of(batch.pieces);
  const PackedBatch packed = train::pack_groups(data_->groups, items);
  CUPEL_TRY(const at::Tensor hidden,
            train::batch_hidden(learner_->twin(), packed, {.dropout = batch.draw}));
  const train::Head head = learner_->twin().head();
  // A few numbers of each text: exact, whatever the products of the layers are computed in.
  const auto type = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor outputs = at::linear(hidden.to(type), head.weight.to(type),
                                        head.bias.defined() ? head.bias.to(type) : head.bias);
  CUPEL_TRY(const LossBatch rows,
            output_batch(*info_, options_, *data_, items, packed, attributes_, outputs));
  CUPEL_TRY(LossSums sums, run_loss(*info_, rows, options_));
  return train::Contribution{.numerators = std::move(sums.numerators),
                             .metrics = std::move(sums.metrics)};
}

train::DataSize RewardObjective::size_of(std::span<const train::Piece> pieces) const {
  return size_of_groups(*data_, pieces);
}

std::vector<std::string> RewardObjective::row_ids(std::span<const train::Piece> pieces) const {
  return ids_of_groups(*data_, pieces);
}

}  // namespace cupel::align
