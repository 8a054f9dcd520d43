#include "align/objectives/preference_objective.h"

#include <algorithm>
#include <utility>

#include "align/losses/run_loss.h"
#include "align/objectives/group_items.h"
#include "base/error.h"
#include "tensor/autograd.h"
#include "train/loop/batch_pass.h"

namespace cupel::align {
namespace {

using train::ExampleGroup;
using train::PackedBatch;
using train::Piece;

/// How long the answers of each role are, in labels.
void add_lengths(const LossBatch& batch, std::vector<train::MetricSum>& metrics) {
  for (const Role role : {Role::kChosen, Role::kRejected, Role::kResponse}) {
    const RoleBatch& rows = batch[role];
    if (rows.present()) {
      metrics.push_back({.name = format("length/{}", role_name(role)),
                         .sum = rows.mask.sum(at::kDouble).item<double>(),
                         .count = static_cast<double>(rows.rows())});
    }
  }
}

/// Whether a term is averaged over tokens of prompts as well.
bool reads_prompts(const LossInfo& info, const LossOptions& options) {
  return std::ranges::any_of(info.terms(options),
                             [](const TermSpec& term) { return term.prompt_weight > 0; });
}

/// Whether the loss must know something of a whole step first.
bool reads_survey(const LossInfo& info, const LossOptions& options) {
  const bool given = options.declares("z0") && options.is_set("z0");
  return info.survey != nullptr && !given;
}

bool reads_mismatched(const LossInfo& info, const LossOptions& options) {
  return reads_survey(info, options) && info.reads_mismatched();
}

/// The batch of some items with zeros for log-probs: what is known before anything is computed.
Result<LossBatch> empty_batch(const LossInfo& info,
                              const LossOptions& options,
                              const train::DataSet& data,
                              std::span<const int64_t> items,
                              bool has_reference) {
  const bool prompts = reads_prompts(info, options);
  const PackedBatch packed = train::pack_groups(data.groups, items);
  CUPEL_TRY(const AnswerRoles roles, answer_roles(info, data, packed, prompts));
  const at::Tensor nothing = at::zeros({packed.tokens()}, at::kDouble);
  LossBatch batch =
      token_batch(roles, packed, answer_labels(packed, prompts),
                  {.policy = nothing, .reference = has_reference ? nothing : at::Tensor()});
  CUPEL_TRY_VOID(add_ratings(info, options, roles, data, packed, batch));
  if (reads_mismatched(info, options)) {
    batch.survey = at::zeros({1, info.survey_width}, at::kDouble);
  }
  return batch;
}

}  // namespace

Result<Ok> check_rows(const LossInfo& info,
                      const LossOptions& options,
                      const train::DataSet& data,
                      bool has_reference) {
  if (info.input != LossInput::kTokenLogps) {
    return invalid_argument("{} is a loss of reward models; take method = \"reward-model\"",
                            info.name);
  }
  if (info.form == LossForm::kSampled || info.reads.old == Use::kMust) {
    return unsupported(
        "{} learns from answers that the policy samples while it is trained, not "
        "from rows of a file",
        info.name);
  }
  for (const Role role : info.reads.roles) {
    return unsupported("{} needs answers in the role {}, which rows of files do not have yet",
                       info.name, role_name(role));
  }
  CUPEL_TRY_VOID(check_ratings(info, options, data));
  return for_each_items(data, [&](const std::vector<int64_t>& items) -> Result<Ok> {
    CUPEL_TRY(const LossBatch batch, empty_batch(info, options, data, items, has_reference));
    return check_batch(info, batch, options);
  });
}

Result<PreferenceObjective> PreferenceObjective::create(const LossInfo& info,
                                                        const LossOptions& options,
                                                        train::Learner& learner,
                                                        const train::DataSet& data,
                                                        const ReferenceSource& reference) {
  PreferenceObjective objective(info, options, learner, data, reference);
  const Use use = reads_of(info, options).reference;
  if (use == Use::kMust && !objective.has_reference()) {
    return invalid_argument(
        "{} holds the policy to a reference; set preference.reference to \"frozen\" or, with LoRA, "
        "\"adapter_off\"",
        info.name);
  }
  if (use == Use::kNo) {
    objective.reference_ = {};
  }
  const bool mismatched = reads_mismatched(info, options);
  if (mismatched && data.groups.size() < 2) {
    return invalid_argument(
        "{} compares each prompt with the answer to another one, and there is "
        "one row",
        info.name);
  }
  if (mismatched && reference.live == nullptr) {
    return invalid_argument(
        "{} compares policy and reference on answers of other prompts, for "
        "which the reference must be in memory",
        info.name);
  }
  return objective;
}

bool PreferenceObjective::with_prompts() const {
  return reads_prompts(*info_, options_);
}

Result<std::vector<double>> PreferenceObjective::begin_step(const train::StepPlan& plan) {
  const std::vector<int64_t> items = items_of(plan);
  before_.clear();
  survey_ = at::Tensor();
  // One batch that is the whole step knows all of it.
  const bool cut = plan.micro_batches.size() > 1 || plan.micro_batches.front().size() > 1;
  const bool surveys = reads_survey(*info_, options_) && (cut || info_->reads_mismatched());
  survey_width_ = surveys ? info_->survey_width : 0;
  for (size_t i = 0; i < items.size(); ++i) {
    before_[items[i]] = items[i == 0 ? items.size() - 1 : i - 1];
  }
  if (items.size() == 1) {  // the rest of an epoch: the row before it in the files
    const auto rows = static_cast<int64_t>(data_->groups.size());
    before_[items[0]] = (items[0] + rows - 1) % rows;
  }
  CUPEL_TRY(const LossBatch batch, empty_batch(*info_, options_, *data_, items, has_reference()));
  return loss_counts(*info_, batch, options_);
}

Result<at::Tensor> PreferenceObjective::reference_logps(const PackedBatch& batch,
                                                        std::span<const int32_t> labels,
                                                        const at::Tensor& like) const {
  if (reference_.cached != nullptr) {
    return train::float_tensor(reference_.cached->of_batch(batch, labels)).to(like.options());
  }
  const tensor::RecordingGuard off(false);
  CUPEL_TRY(const train::HeadLogps head, train::batch_logps(*reference_.live, batch, labels));
  return head.logps.to(like.options());
}

PackedBatch PreferenceObjective::mismatched(std::span<const Piece> pieces) const {
  std::vector<ExampleGroup> groups;
  std::vector<int64_t> items;
  for (const Piece& piece : pieces) {
    const ExampleGroup& own = data_->groups[static_cast<size_t>(piece.item)];
    const ExampleGroup& other = data_->groups[static_cast<size_t>(before_.at(piece.item))];
    ExampleGroup& group = groups.emplace_back();
    group.prompt_tokens = own.prompt_tokens;
    const auto prompt = static_cast<size_t>(own.prompt_tokens);
    const auto skipped = static_cast<ptrdiff_t>(other.prompt_tokens);
    train::Example& text = group.answers.emplace_back();
    text.ids.assign(own.answers[0].ids.begin(), own.answers[0].ids.begin() + own.prompt_tokens);
    text.weights.assign(prompt, 0.0F);
    const train::Example& answer = other.answers[0];
    text.ids.insert(text.ids.end(), answer.ids.begin() + skipped, answer.ids.end());
    text.weights.insert(text.weights.end(), answer.weights.begin() + skipped, answer.weights.end());
    items.push_back(static_cast<int64_t>(items.size()));
  }
  return train::pack_groups(groups, items);
}

Result<LossBatch> PreferenceObjective::mismatched_rows(std::span<const Piece> pieces) const {
  const PackedBatch packed = mismatched(pieces);
  CUPEL_TRY(const train::HeadLogps head,
            train::batch_logps(learner_->twin(), packed, packed.labels));
  CUPEL_TRY(const at::Tensor reference, reference_logps(packed, packed.labels, head.logps));
  AnswerRoles roles;
  for (size_t i = 0; i < packed.documents.size(); ++i) {
    if (packed.documents[i].answer >= 0) {
      roles.documents[static_cast<size_t>(Role::kMismatched)].push_back(i);
    }
  }
  return token_batch(roles, packed, packed.labels, {.policy = head.logps, .reference = reference});
}

Result<LossBatch> PreferenceObjective::computed_rows(std::span<const Piece> pieces) const {
  const std::vector<int64_t> items = items_of(pieces);
  const PackedBatch packed = train::pack_groups(data_->groups, items);
  const std::vector<int32_t> labels = answer_labels(packed, with_prompts());
  CUPEL_TRY(const AnswerRoles roles, answer_roles(*info_, *data_, packed, with_prompts()));
  CUPEL_TRY(const train::HeadLogps head, train::batch_logps(learner_->twin(), packed, labels));
  FlatLogps logps{.policy = head.logps, .reference = {}};
  if (has_reference()) {
    CUPEL_TRY(logps.reference, reference_logps(packed, labels, head.logps));
  }
  LossBatch rows = token_batch(roles, packed, labels, logps);
  CUPEL_TRY_VOID(add_ratings(*info_, options_, roles, *data_, packed, rows));
  return rows;
}

Result<std::vector<double>> PreferenceObjective::survey(const train::MicroBatch& batch) {
  CUPEL_TRY(const LossBatch rows, info_->reads_mismatched() ? mismatched_rows(batch.pieces)
                                                            : computed_rows(batch.pieces));
  const at::Tensor values = info_->survey(rows, options_).to(at::kCPU, at::kDouble).contiguous();
  const auto* const begin = values.const_data_ptr<double>();
  return std::vector<double>(begin, begin + values.numel());
}

void PreferenceObjective::set_survey(const std::vector<double>& numbers) {
  survey_ = train::double_tensor(numbers).view({-1, survey_width_});
}

Result<train::Contribution> PreferenceObjective::run(const train::MicroBatch& batch) {
  CUPEL_TRY(LossBatch rows, computed_rows(batch.pieces));
  rows.survey = survey_;
  rows.survey_begin = batch.begin;
  CUPEL_TRY(LossSums sums, run_loss(*info_, rows, options_));
  add_lengths(rows, sums.metrics);
  return train::Contribution{.numerators = std::move(sums.numerators),
                             .metrics = std::move(sums.metrics)};
}

train::DataSize PreferenceObjective::size_of(std::span<const Piece> pieces) const {
  return size_of_groups(*data_, pieces);
}

std::vector<std::string> PreferenceObjective::row_ids(std::span<const Piece> pieces) const {
  return ids_of_groups(*data_, pieces);
}

}  // namespace cupel::align
