#pragma once

#include <optional>
#include <string>
#include <vector>

#include "align/tune/method.h"
#include "base/result.h"
#include "train/data/batcher.h"
#include "train/data/data_set.h"
#include "train/recipe/recipe.h"
#include "train/recipe/recipe_inputs.h"
#include "train/schedule/schedule.h"

namespace cupel::align {

/// A run as far as it needs no tensors: the model's file and texts, the rows as tokens.
struct PreparedRun {
  Method method;
  train::RecipeTexts texts;
  train::DataSet data;
  std::optional<train::DataSet> held_out;
  int64_t instruction_tokens = 0;  ///< of `data`, for supervised training
  int64_t completion_tokens = 0;
  std::optional<train::Batcher> batcher;
  std::optional<train::Schedule> schedule;
  int64_t total_steps = 0;
  std::vector<std::string> data_fingerprints;  ///< of each file, held-out ones last
  std::string adapter_fingerprint;             ///< of lora.adapter; empty: there is none

  /// Of the model at the start.
  [[nodiscard]] std::string start_fingerprint() const {
    return texts.file->fingerprint() + adapter_fingerprint;
  }
};

/// Checks the recipe against model and data, and reads both. Errors: those of find_method,
/// open_texts, load_rows and the batcher; kInvalidArgument - no data; kNotFound - lora.adapter.
Result<PreparedRun> prepare_run(const train::Recipe& recipe, int64_t ranks);

/// Whether the method can learn from its rows, held-out ones among them. Errors: those of
/// check_rows and check_reward_rows.
Result<Ok> check_prepared_rows(const train::Recipe& recipe, const PreparedRun& run);

}  // namespace cupel::align
