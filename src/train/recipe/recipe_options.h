#pragma once

#include <cstdint>

#include "base/result.h"
#include "train/data/batcher.h"
#include "train/data/data_set.h"
#include "train/data/row_tokenizer.h"
#include "train/recipe/recipe.h"
#include "train/schedule/schedule.h"

namespace cupel::train {

// What a checked recipe says to the parts of training. Errors of all: kInvalidArgument - a recipe
// that was not checked.

/// For a run of that many optimiser steps.
Result<ScheduleOptions> schedule_options(const Recipe& recipe, int64_t total_steps);

Result<TokenizeOptions> tokenize_options(const Recipe& recipe);

/// What the recipe's method learns from: examples where it imitates, else answers to compare.
DataKind data_kind(const Recipe& recipe);

/// For the items of `data`, on that many ranks.
Result<BatchOptions> batch_options(const Recipe& recipe, const DataSet& data, int64_t ranks);

/// Steps of the whole run: `max_steps`, or `epochs` of them, the last one in part where it is no
/// whole number (rounded up). Cost: packs the epochs whose numbers of steps may differ.
/// Errors: kInvalidArgument - that would be more than 50 million rows.
Result<int64_t> total_steps(const Recipe& recipe, const Batcher& batcher);

}  // namespace cupel::train
