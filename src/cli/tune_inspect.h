#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "report/data_page.h"
#include "report/terminal.h"
#include "train/recipe/recipe.h"

namespace cupel::cli {

struct InspectOptions {
  std::string format = "text";  ///< or "json", "html"
  int64_t rows = 4;             ///< how many are shown
  std::string id;               ///< show this row alone; empty: the first ones
  bool held_out = false;        ///< look at data.eval_files
};

/// Prints the recipe's rows as the trainer sees them. Needs no tensors and reads no weights.
/// Errors: those of open_texts, load_rows and Batcher::create; kInvalidArgument - no such files;
/// kNotFound - no kept row has that id.
Result<int> inspect_training_data(const train::Recipe& recipe, const InspectOptions& options);

/// What it prints, as data.
Result<report::DataPage> view_training_data(const train::Recipe& recipe,
                                            const InspectOptions& options);
/// For people. What is learnt stands in green where the terminal has colours, else in [[ ]].
std::string data_text(const report::DataPage& page, const report::Terminal& terminal);
Json data_json(const report::DataPage& page);

}  // namespace cupel::cli
