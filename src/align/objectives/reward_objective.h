#pragma once

#include <string>
#include <vector>

#include "align/losses/loss.h"
#include "align/objectives/answers.h"
#include "base/result.h"
#include "train/data/data_set.h"
#include "train/loop/learner.h"
#include "train/loop/objective.h"

namespace cupel::align {

/// Losses over what the head of a reward model gives at the last token of each answer. Source:
/// reward-and-rl-core, reward models 1, 2 and 4.
class RewardObjective final : public train::Objective {
 public:
  /// `attributes`: members of rows that rate the one answer, an output for each; empty: the head
  /// has one output, which compares answers. All must outlive the object.
  RewardObjective(const LossInfo& info,
                  const LossOptions& options,
                  train::Learner& learner,
                  const train::DataSet& data,
                  std::vector<std::string> attributes)
      : info_(&info),
        options_(options),
        learner_(&learner),
        data_(&data),
        attributes_(std::move(attributes)) {}

  Result<std::vector<double>> begin_step(const train::StepPlan& plan) override;
  Result<train::Contribution> run(const train::MicroBatch& batch) override;
  [[nodiscard]] train::DataSize size_of(std::span<const train::Piece> pieces) const override;
  [[nodiscard]] std::vector<std::string> row_ids(
      std::span<const train::Piece> pieces) const override;

 private:
  const LossInfo* info_;
  LossOptions options_;
  train::Learner* learner_;
  const train::DataSet* data_;
  std::vector<std::string> attributes_;
};

/// As check_rows of preference_objective.h, for losses of reward models.
Result<Ok> check_reward_rows(const LossInfo& info,
                             const LossOptions& options,
                             const train::DataSet& data,
                             const std::vector<std::string>& attributes);

}  // namespace cupel::align
