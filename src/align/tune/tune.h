#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "align/tune/prepare.h"
#include "base/json.h"
#include "base/result.h"
#include "train/loop/learner.h"
#include "train/loop/trainer.h"
#include "train/parallel/collective.h"
#include "train/recipe/recipe.h"

namespace cupel::align {

/// How a run is watched. All may be empty.
struct TuneHooks {
  std::stop_token stop;
  /// Every record as it is written; on process 0 alone.
  std::function<void(const Json& record, const Json& timing)> record;
  /// How many steps the whole run has; before the first record, on process 0 alone.
  std::function<void(int64_t total_steps)> begin;
  /// What is going on, in a line; on process 0 alone.
  std::function<void(std::string_view line)> note;
  /// Answers of the model as it is, for samples.jsonl: one object each.
  std::function<Result<std::vector<Json>>(const train::Model& model)> sample;
};

struct TuneOptions {
  bool allow_changed = false;  ///< go on with a run whose recipe or data were changed
};

struct TuneOutcome {
  train::TrainEnd end = train::TrainEnd::kDone;
  train::TrainerState state;
  int64_t total_steps = 0;
  /// What is trained, as a folder for transformers or PEFT; empty when the run was stopped.
  std::string result;
};

/// Runs a recipe, or goes on with the run that its folder holds. The same calls on every process of
/// `collective`. Errors: those of prepare_run, RunFolder, the model, the objective and the trainer;
/// whatever happens, the last checkpoint stays.
Result<TuneOutcome> tune(const train::Recipe& recipe,
                         const TuneOptions& options,
                         train::Collective& collective,
                         const TuneHooks& hooks);

}  // namespace cupel::align
