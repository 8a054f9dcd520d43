#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "align/tune/method.h"
#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/template/chat_template.h"
#include "engine/tokenizer/from_folder.h"
#include "train/data/batcher.h"
#include "train/data/data_set.h"
#include "train/recipe/recipe.h"
#include "train/schedule/schedule.h"

namespace cupel::align {

/// A run as far as it needs no tensors: the model's file, its texts, the rows as tokens.
struct PreparedRun {
  Method method;
  std::shared_ptr<const engine::Checkpoint> file;
  engine::ModelTexts texts;
  std::optional<engine::ChatTemplate> chat_template;
  std::string named_template;  ///< source of the one that the recipe names
  train::DataSet data;
  std::optional<train::DataSet> held_out;
  int64_t instruction_tokens = 0;  ///< of `data`, for supervised training
  int64_t completion_tokens = 0;
  std::optional<train::Batcher> batcher;
  std::optional<train::Schedule> schedule;
  int64_t total_steps = 0;
  std::vector<std::string> data_fingerprints;  ///< of each file, held-out ones last
};

/// Checks the recipe against model and data, and reads both. Errors: those of find_method,
/// open_checkpoint, load_texts, load_data and the batcher; kInvalidArgument - no model, no data;
/// kFailedPrecondition - the tokenizer has more tokens than the model.
Result<PreparedRun> prepare_run(const train::Recipe& recipe, int64_t ranks);

}  // namespace cupel::align
