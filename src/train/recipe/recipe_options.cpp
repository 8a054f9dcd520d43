#include "train/recipe/recipe_options.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace cupel::train {
namespace {

/// Whether the packer goes on with what is too long for a row: then it must be given all of it.
Result<bool> packs_the_rest(const Recipe& recipe, Truncation truncation) {
  if (recipe.data.packing == "auto" || truncation != Truncation::kKeepStart) {
    return false;
  }
  CUPEL_TRY(const Packing packing, parse_packing(recipe.data.packing));
  return packing == Packing::kWrapped || packing == Packing::kBfdSplit;
}

}  // namespace

Result<ScheduleOptions> schedule_options(const Recipe& recipe, int64_t total_steps) {
  const Recipe::Sched& sched = recipe.sched;
  ScheduleOptions options{.lr = recipe.learning_rate(),
                          .min_lr = sched.min_lr,
                          .total_steps = total_steps,
                          .warmup_steps = sched.warmup_steps.value_or(-1),
                          .warmup_ratio = sched.warmup_ratio,
                          .decay_steps = sched.decay_steps.value_or(-1),
                          .decay_ratio = sched.decay_ratio,
                          .power = sched.power,
                          .timescale = sched.timescale};
  CUPEL_TRY(options.kind, parse_schedule_kind(sched.name));
  CUPEL_TRY(options.decay_shape, parse_decay_shape(sched.decay_shape));
  return options;
}

Result<TokenizeOptions> tokenize_options(const Recipe& recipe) {
  TokenizeOptions options{.prompt_loss_weight = recipe.data.prompt_loss_weight,
                          .max_length = recipe.data.max_length};
  CUPEL_TRY(options.loss_on, parse_loss_on(recipe.data.loss_on));
  CUPEL_TRY(options.truncation, parse_truncation(recipe.data.truncation));
  CUPEL_TRY(const bool whole, packs_the_rest(recipe, options.truncation));
  if (whole) {
    options.max_length = std::numeric_limits<int64_t>::max();
  }
  return options;
}

DataKind data_kind(const Recipe& recipe) {
  return recipe.method == "sft" ? DataKind::kExamples : DataKind::kGroups;
}

Result<BatchOptions> batch_options(const Recipe& recipe, const DataSet& data, int64_t ranks) {
  const DataKind kind = data_kind(recipe);
  BatchOptions options{.max_length = recipe.data.max_length,
                       .window = recipe.data.pack_window,
                       .batch = recipe.batch.size,
                       .micro_batch = recipe.batch.micro,
                       .micro_batch_tokens = recipe.batch.micro_tokens,
                       .ranks = ranks,
                       .whole_items = kind == DataKind::kGroups,
                       .drop_last = recipe.batch.drop_last};
  if (recipe.data.packing == "auto") {
    const bool alone = kind == DataKind::kGroups || recipe.data.group_by_length;
    options.packing = alone ? Packing::kNone : Packing::kBfd;
  } else {
    CUPEL_TRY(options.packing, parse_packing(recipe.data.packing));
  }
  options.order.seed = recipe.seed;
  options.order.shuffle = recipe.data.shuffle;
  options.order.group_by_length = recipe.data.group_by_length ? recipe.batch.size : 0;
  if (recipe.data.mixture == "none") {
    return options;
  }
  if (recipe.data.amounts.size() != data.files.size()) {
    return invalid_argument("data.amounts has {} numbers for {} files", recipe.data.amounts.size(),
                            data.files.size());
  }
  for (size_t i = 0; i < data.files.size(); ++i) {
    MixtureSource source = data.files[i];
    const double amount = recipe.data.amounts[i];
    if (recipe.data.mixture == "probability") {
      source.probability = amount;
    } else {
      const auto budget = static_cast<int64_t>(std::ceil(amount));
      (recipe.data.mixture == "tokens" ? source.tokens : source.characters) = budget;
    }
    options.order.mixture.push_back(source);
  }
  return options;
}

Result<int64_t> total_steps(const Recipe& recipe, const Batcher& batcher) {
  constexpr double kMostPacked = 5e7;
  constexpr double kOfAnEpoch = 100;  // what an epoch costs besides, in rows
  if (recipe.max_steps > 0) {
    return recipe.max_steps;
  }
  const auto whole = static_cast<int64_t>(std::floor(recipe.epochs));
  const bool even = batcher.has_even_epochs();
  const auto rows = static_cast<double>(batcher.items_in_epoch());
  if (!even && recipe.epochs * (rows + kOfAnEpoch) > kMostPacked) {
    return invalid_argument(
        "epochs is {}, and each of them packs its {} rows in another way: too many to count their "
        "steps one by one; set max_steps, fewer epochs or data.packing = \"none\"",
        recipe.epochs, batcher.items_in_epoch());
  }
  int64_t steps = 0;
  if (even) {
    steps = whole * batcher.steps_in_epoch(0);
  } else {
    for (int64_t epoch = 0; epoch < whole; ++epoch) {
      steps += batcher.steps_in_epoch(epoch);
    }
  }
  const double part = recipe.epochs - static_cast<double>(whole);
  if (part > 0) {
    steps +=
        static_cast<int64_t>(std::ceil(part * static_cast<double>(batcher.steps_in_epoch(whole))));
  }
  return steps;
}

}  // namespace cupel::train
