#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/template/chat_template.h"
#include "engine/tokenizer/from_folder.h"
#include "train/data/data_set.h"
#include "train/recipe/recipe.h"

namespace cupel::train {

/// What a recipe's model says about texts; no weight is read.
struct RecipeTexts {
  std::shared_ptr<const engine::Checkpoint> file;
  engine::ModelTexts texts;
  std::optional<engine::ChatTemplate> chat_template;
  std::string named_template;  ///< source of the one that the recipe names; empty: the model's own
};

/// Errors: those of open_checkpoint, load_texts and ChatTemplate::parse; kInvalidArgument - the
/// recipe names no model; kFailedPrecondition - the tokenizer has more tokens than the model.
Result<RecipeTexts> open_texts(const Recipe& recipe);

/// Tokenises files as the recipe says, with the role of every token.
/// Errors: those of tokenize_options, RowTokenizer and load_data.
Result<DataSet> load_rows(const Recipe& recipe,
                          const RecipeTexts& texts,
                          const std::vector<std::string>& files);

}  // namespace cupel::train
