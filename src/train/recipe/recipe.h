#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::train {

/// Everything that a training run is told: what `cupel tune RECIPE.toml` reads.
///
/// Members are keys of the same names ("optim.lr"), and their initial values are the defaults;
/// recipe_keys.cpp says type, range and meaning of each. A run is a function of these and its data.
struct Recipe {
  std::string method = "sft";
  std::string model;
  std::string out;
  std::string parameters = "full";
  uint64_t seed = 42;
  double epochs = 1;
  int64_t max_steps = 0;
  std::string precision = "bf16-mixed";
  std::string checkpointing = "none";
  int64_t threads = 0;

  struct Data {
    std::vector<std::string> files;
    std::vector<std::string> eval_files;
    std::string mixture = "none";
    std::vector<double> amounts;
    std::string loss_on = "assistant_all";
    double prompt_loss_weight = 1;
    int64_t max_length = 2048;
    std::string truncation = "keep_start";
    std::string packing = "auto";
    int64_t pack_window = 1000;
    bool shuffle = true;
    bool group_by_length = false;
    bool skip_bad = false;
    std::string chat_template;
  } data;

  struct Batch {
    int64_t size = 8;
    int64_t micro = 0;
    int64_t micro_tokens = 0;
    bool drop_last = false;
  } batch;

  struct Optim {
    std::string name = "adamw";
    std::optional<double> lr;
    std::optional<double> beta1;
    double beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 0;
    bool decay_embeddings = false;
    double momentum = 0;
    double clip = 1;
    int64_t max_skipped = 10;
  } optim;

  struct Sched {
    std::string name = "cosine";
    double min_lr = 0;
    std::optional<int64_t> warmup_steps;
    double warmup_ratio = 0.03;
    std::optional<int64_t> decay_steps;
    double decay_ratio = 0.1;
    std::string decay_shape = "linear";
    double power = 1;
    int64_t timescale = 0;
    bool adaptive = false;
    int64_t baseline_tokens = 0;
    double layer_decay = 1;
  } sched;

  struct Loss {
    std::string reduction = "tokens";
    double label_smoothing = 0;
    double z_loss = 0;
  } loss;

  struct Sft {
    double neftune_alpha = 0;
    double kl_to_init = 0;
    bool dft = false;
  } sft;

  struct Preference {
    std::string loss = "dpo";
    std::string reference = "frozen";
    /// Parameters of the loss by name ("preference.params.beta"); the loss knows which it has.
    std::vector<std::pair<std::string, Json>> params;
  } preference;

  struct Reward {
    std::string loss = "bradley_terry";
    std::vector<std::string> attributes;
  } reward;

  struct Lora {
    int64_t rank = 16;
    double alpha = 32;
    double dropout = 0;
    std::vector<std::string> targets = {"all-linear"};
    std::string target_regex;
    std::vector<std::string> modules_to_save;
    std::string adapter;
    bool rslora = false;
    bool dora = false;
  } lora;

  struct Eval {
    int64_t every = 0;
    bool at_start = false;
    int64_t patience = 0;
    int64_t samples = 0;
  } eval;

  struct Checkpoint {
    int64_t every = 0;
    int64_t keep = 2;
    std::string best_by;
  } checkpoint;

  struct Log {
    int64_t every = 1;
    bool tensorboard = true;
    bool report = true;
  } log;

  /// `optim.lr`, or the default for what is trained: 2e-5 for all parameters, 2e-4 for LoRA.
  [[nodiscard]] double learning_rate() const;
};

/// Reads a recipe (TOML), then `--set KEY=VALUE` in order, and checks it. An empty path: the
/// defaults alone. Errors: kCorruptData, kInvalidArgument `path:line: …` - an unknown key, with the
/// nearest known one; a value of another type or outside its range; two that contradict.
Result<Recipe> load_recipe(const std::string& path, std::span<const std::string> overrides = {});
/// The same of a text; `path` is what messages call it.
Result<Recipe> parse_recipe(std::string_view text,
                            const std::string& path,
                            std::span<const std::string> overrides = {});

/// Sets one key as `--set` does: "optim.lr=2e-5". Lists are written as TOML arrays or with commas.
/// Errors: kInvalidArgument.
Result<Ok> set_recipe_key(Recipe& recipe, std::string_view assignment);

/// What keys alone do not say. Errors: kInvalidArgument - values that contradict each other.
Result<Ok> check_recipe(const Recipe& recipe);

/// The whole recipe as TOML, every key in the order of the table: read back, it is the same recipe.
std::string recipe_text(const Recipe& recipe);
/// The keys in which two recipes differ, as "key: a, was b": what a resumed run is told.
std::vector<std::string> recipe_differences(const Recipe& now, const Recipe& before);

/// docs/recipes.md.
std::string recipe_reference();

}  // namespace cupel::train
