#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "align/objectives/reference_logps.h"
#include "align/tune/prepare.h"
#include "base/result.h"
#include "train/loop/learner.h"
#include "train/loop/objective.h"
#include "train/loop/trainer.h"
#include "train/parallel/collective.h"
#include "train/recipe/recipe.h"

namespace cupel::align {

/// The type of parameters, and what a learner is made of, as a recipe says.
at::ScalarType parameter_type(const train::Recipe& recipe);
train::LearnerOptions learner_options(const train::Recipe& recipe);

/// What a run learns from and is held to: the objectives over its rows and held-out rows, and the
/// reference behind them.
///
/// Log-probs of a reference are computed once, before the first step, by the model itself (or under
/// its adapters), and kept in the run's folder; where that file is gone later the start is read
/// again. A loss that asks the reference about other texts (KTO) has it in memory.
class RunObjectives {
 public:
  /// All but the texts must outlive the object.
  struct Parts {
    const train::Recipe* recipe = nullptr;
    const PreparedRun* prepared = nullptr;
    train::Learner* learner = nullptr;
    train::Collective* collective = nullptr;
    std::string folder;
    bool trained_already =
        false;  ///< the learner's parameters are about to be those of a checkpoint
    std::stop_token stop;
    std::function<void(std::string_view line)> note;
  };
  /// Errors: those of the objectives, of the model and of ReferenceLogps; kCancelled.
  static Result<std::unique_ptr<RunObjectives>> create(Parts parts);

  [[nodiscard]] train::Objective& training() { return *training_; }
  [[nodiscard]] train::EvaluationSet evaluation() {
    return {.objective = held_out_.get(), .plan = held_out_plan_};
  }

 private:
  explicit RunObjectives(Parts parts) : parts_(std::move(parts)) {}
  Result<Ok> make();
  Result<Ok> make_reference();
  /// The model at the start where it shares its tensors with the one that is trained: without
  /// adapters, or with lora.adapter as it is in its file. Null: parameters themselves are trained.
  Result<train::Twin*> at_start();
  Result<std::optional<ReferenceLogps>> logps_of(const train::DataSet& data, std::string_view name);
  Result<ReferenceLogps> compute(const train::DataSet& data, ReferenceLogps::Options options);
  Result<std::unique_ptr<train::Objective>> over(const train::DataSet& data,
                                                 const std::optional<ReferenceLogps>& reference);
  [[nodiscard]] Result<train::StepPlan> whole_plan(const train::DataSet& data) const;

  Parts parts_;
  std::optional<train::Model> frozen_;
  std::optional<train::Twin> frozen_twin_;
  std::optional<train::Lora> start_adapter_;
  std::optional<train::Twin> start_twin_;
  std::optional<ReferenceLogps> reference_;
  std::optional<ReferenceLogps> held_out_reference_;
  std::unique_ptr<train::Objective> training_;
  std::unique_ptr<train::Objective> held_out_;
  train::StepPlan held_out_plan_;
};

}  // namespace cupel::align
