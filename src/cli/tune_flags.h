#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "train/recipe/recipe.h"

namespace cupel::cli {

/// What a run is told: a recipe, and keys of recipes as flags.
struct RecipeFlags {
  std::string path;
  std::vector<std::string> data;
  std::vector<std::string> eval_data;
  std::vector<std::string> keys;  ///< "KEY=VALUE": --KEY VALUE and --set KEY=VALUE
  std::vector<std::string> set;

  void declare(Arguments& arguments);
  /// The recipe, then flags, then --set. Errors: those of load_recipe; kInvalidArgument - nothing
  /// was given at all.
  [[nodiscard]] Result<train::Recipe> recipe() const;
};

/// The flags of `cupel tune`.
struct TuneFlags {
  RecipeFlags recipe;
  int64_t processes = 1;
  int64_t timeout_minutes = 30;
  bool allow_changed = false;
  bool json = false;
  std::string resume;  ///< folder of a run, of `cupel tune resume`
};

/// The flags of `cupel tune validate` and `cupel tune plan`.
struct TuneCheckFlags {
  RecipeFlags recipe;
  std::string format = "table";
  bool plan = false;
};

/// The flags of `cupel tune export` and `cupel tune merge`.
struct TuneExportFlags {
  std::string run;    ///< folder of a run; empty: model and adapter
  int64_t step = -1;  ///< of the checkpoint; -1: the result, else the last one
  std::string model;
  std::string adapter;
  std::string out;
  std::string type;  ///< of a GGUF file's tensors
};

}  // namespace cupel::cli
