#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "align/losses/loss.h"
#include "align/objectives/answers.h"
#include "align/objectives/reference_logps.h"
#include "base/result.h"
#include "train/data/data_set.h"
#include "train/loop/learner.h"
#include "train/loop/objective.h"

namespace cupel::align {

/// Where the log-probs of the reference come from. At most one; none where the loss reads none.
struct ReferenceSource {
  const ReferenceLogps* cached = nullptr;
  train::Twin* live = nullptr;  ///< a model in memory: the base under an adapter, or a copy
};

/// Whether rows are what a loss learns from: form, ratings, tokens in every answer.
/// `has_reference`: there will be one. Errors: kInvalidArgument naming the row or what all rows
/// lack; kUnsupported - samples of the policy or roles that rows of files do not have.
Result<Ok> check_rows(const LossInfo& info,
                      const LossOptions& options,
                      const train::DataSet& data,
                      bool has_reference);

/// Any loss over token log-probs of answers to prompts. The prompt is computed once, its answers
/// are branches of it. Policy and reference are computed without dropout: what they differ by must
/// be what was learnt. Source of batch layout, masks and dropout: preference-core §1-2.
class PreferenceObjective final : public train::Objective {
 public:
  /// All must outlive the object. Errors: kInvalidArgument - a loss that needs a reference and has
  /// none, or not the kind that it needs.
  static Result<PreferenceObjective> create(const LossInfo& info,
                                            const LossOptions& options,
                                            train::Learner& learner,
                                            const train::DataSet& data,
                                            const ReferenceSource& reference);

  Result<std::vector<double>> begin_step(const train::StepPlan& plan) override;
  [[nodiscard]] int64_t survey_width() const override { return survey_width_; }
  Result<std::vector<double>> survey(const train::MicroBatch& batch) override;
  void set_survey(const std::vector<double>& numbers) override;
  Result<train::Contribution> run(const train::MicroBatch& batch) override;
  [[nodiscard]] train::DataSize size_of(std::span<const train::Piece> pieces) const override;
  [[nodiscard]] std::vector<std::string> row_ids(
      std::span<const train::Piece> pieces) const override;

 private:
  PreferenceObjective(const LossInfo& info,
                      const LossOptions& options,
                      train::Learner& learner,
                      const train::DataSet& data,
                      const ReferenceSource& reference)
      : info_(&info), options_(options), learner_(&learner), data_(&data), reference_(reference) {}
  [[nodiscard]] bool has_reference() const {
    return reference_.cached != nullptr || reference_.live != nullptr;
  }
  /// Whether a term is averaged over tokens of prompts as well.
  [[nodiscard]] bool with_prompts() const;
  /// The reference's log-probs [T] of labels.
  Result<at::Tensor> reference_logps(const train::PackedBatch& batch,
                                     std::span<const int32_t> labels,
                                     const at::Tensor& like) const;
  /// What the loss sees of pieces.
  [[nodiscard]] Result<LossBatch> computed_rows(std::span<const train::Piece> pieces) const;
  /// Each prompt of the items with the answer of the item before it in the step.
  [[nodiscard]] train::PackedBatch mismatched(std::span<const train::Piece> pieces) const;
  [[nodiscard]] Result<LossBatch> mismatched_rows(std::span<const train::Piece> pieces) const;

  const LossInfo* info_;
  LossOptions options_;
  train::Learner* learner_;
  const train::DataSet* data_;
  ReferenceSource reference_;
  at::Tensor survey_;                            // [N,survey_width] of the step, or undefined
  int64_t survey_width_ = 0;                     // of the step
  std::unordered_map<int64_t, int64_t> before_;  // of each item of the step, the one before it
};

}  // namespace cupel::align
