#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/data/batcher.h"
#include "train/loop/objective.h"
#include "train/loop/step.h"
#include "train/optimiser/optimiser.h"
#include "train/parallel/collective.h"
#include "train/schedule/schedule.h"

namespace cupel::train {

struct TrainerOptions {
  int64_t total_steps = 0;
  double clip = 1;              ///< largest norm of the gradient; 0: any
  int64_t max_skipped = 10;     ///< steps in a row without a finite gradient before the run ends
  int64_t adaptive_tokens = 0;  ///< > 0: the learning rate times √(labels of the step / this)
  int64_t eval_every = 0;       ///< 0: at the end alone
  bool eval_at_start = false;
  int64_t patience = 0;          ///< evaluations without a lower loss before the run ends; 0: any
  int64_t checkpoint_every = 0;  ///< 0: at the end alone
  bool checkpoint_best = false;  ///< where an evaluation had the lowest loss so far, too
};

/// Where a run stands between two steps. Together with parameters, the optimiser's state and the
/// cursor of the data it is all that a run needs to go on exactly.
struct TrainerState {
  int64_t step = 0;                 ///< optimiser steps done, skipped ones among them
  int64_t tokens = 0;               ///< computed so far
  int64_t samples = 0;              ///< seen so far
  int64_t skipped = 0;              ///< steps whose gradient was not finite
  int64_t skipped_now = 0;          ///< of them, the last ones in a row
  std::optional<double> best_loss;  ///< of evaluations
  int64_t best_step = 0;
  int64_t evaluations_since_best = 0;

  [[nodiscard]] Json to_json() const;
  static Result<TrainerState> from_json(const Json& json);
};

/// What is evaluated: an objective over data of its own, all of it as one step.
struct EvaluationSet {
  Objective* objective = nullptr;
  StepPlan plan;
};

/// How the trainer is watched and what it leaves. All may be empty.
struct TrainerHooks {
  std::stop_token stop;  ///< the run ends after the step in hand
  /// A record of a step or of an evaluation: a function of recipe and data alone; and what is not,
  /// times and memory.
  std::function<Result<Ok>(const Json& record, const Json& timing)> record;
  /// A step whose gradient is not finite, with the rows of this process.
  std::function<Result<Ok>(const Json& bad)> bad_batch;
  /// Saves everything; called between two steps.
  std::function<Result<Ok>(const TrainerState& state)> checkpoint;
  double flops_per_token = 0;  ///< of forward and backward; for "flops_per_s", else none
};

enum class TrainEnd {
  kDone,     ///< all steps
  kStopped,  ///< asked to stop; a checkpoint was written
  kNoGain,   ///< patience ran out
};

/// The one training loop: data in the batcher's order, an objective, an optimiser and a schedule.
/// On every process of a group the same calls are made. Deterministic at a fixed thread count.
class Trainer {
 public:
  /// All parts must outlive the object. `optimiser` may hold some of the parameters only
  /// (`owned` of another process): `share` then hands them round after each step.
  struct Parts {
    Objective* objective = nullptr;
    Batcher* batcher = nullptr;
    Optimiser* optimiser = nullptr;
    const Schedule* schedule = nullptr;
    Collective* collective = nullptr;
    std::vector<at::Tensor> parameters;  ///< all that are trained
    std::vector<int64_t> owned;          ///< which of them the optimiser has, in its order
    std::function<Result<Ok>()> share;   ///< empty: the optimiser has all
    EvaluationSet evaluation;            ///< without an objective: none
  };
  Trainer(Parts parts, const TrainerOptions& options, TrainerHooks hooks);

  /// Goes on from `state` to the end. Errors: kFailedPrecondition - the loss or gradient was not
  /// finite `max_skipped` times in a row; those of the parts and hooks.
  Result<TrainEnd> run(TrainerState& state);

 private:
  Result<Ok> train_step(TrainerState& state);
  /// Whether the parameters were changed.
  Result<bool> update(TrainerState& state, double lr, double norm);
  Result<Ok> evaluate(TrainerState& state);
  Result<Ok> report_bad(const TrainerState& state, const StepPlan& plan, double loss, double norm);
  [[nodiscard]] Json timing(const TrainerState& state, int64_t tokens, double seconds) const;

  Parts parts_;
  TrainerOptions options_;
  TrainerHooks hooks_;
  StepRunner runner_;
  std::optional<StepRunner> evaluator_;
};

}  // namespace cupel::train
