#include "train/recipe/unread_keys.h"

#include <string_view>

#include "base/error.h"
#include "train/recipe/recipe_keys.h"
#include "train/recipe/recipe_values.h"

namespace cupel::train {
namespace {

bool is_sft(const Recipe& r) {
  return r.method == "sft";
}
bool is_reward(const Recipe& r) {
  return r.method == "reward-model" || r.method == "reward_model";
}
bool is_preference(const Recipe& r) {
  return !is_sft(r) && !is_reward(r);
}
bool has_held_out(const Recipe& r) {
  return !r.data.eval_files.empty();
}

/// What reads a key, or every key of a section ("lora.").
struct Reader {
  std::string_view key;
  bool (*reads)(const Recipe& recipe);
  std::string_view needed;  ///< the setting that has it read
};

const Reader kReaders[] = {
    {"loss.", &is_sft, "method = \"sft\""},
    {"sft.", &is_sft, "method = \"sft\""},
    {"reward.", &is_reward, "method = \"reward-model\""},
    {"preference.loss", [](const Recipe& r) { return r.method == "preference"; },
     "method = \"preference\""},
    {"preference.reference",
     [](const Recipe& r) { return is_preference(r) || r.sft.kl_to_init > 0; },
     "a preference loss as the method"},
    {"preference.params", [](const Recipe& r) { return !is_sft(r); },
     "a preference loss or reward-model as the method"},
    // Preference losses compare policy and reference without dropout (Rafailov et al. 2023's code).
    {"lora.dropout", [](const Recipe& r) { return !is_preference(r); },
     "method = \"sft\" or \"reward-model\""},
    {"lora.", [](const Recipe& r) { return r.parameters == "lora"; }, "parameters = \"lora\""},
    {"data.prompt_loss_weight", [](const Recipe& r) { return r.data.loss_on == "instruction"; },
     "data.loss_on = \"instruction\""},
    {"batch.micro", [](const Recipe& r) { return r.data.packing != "multipack"; },
     "another data.packing than multipack, which goes by batch.micro_tokens"},
    {"batch.micro_tokens", [](const Recipe& r) { return r.data.packing == "multipack"; },
     "data.packing = \"multipack\""},
    {"optim.momentum", [](const Recipe& r) { return r.optim.name == "sgd"; },
     "optim.name = \"sgd\""},
    {"optim.beta1", [](const Recipe& r) { return r.optim.name != "sgd"; },
     "another optim.name than sgd"},
    {"optim.beta2", [](const Recipe& r) { return r.optim.name.starts_with("adamw"); },
     "optim.name = \"adamw\" or \"adamw_8bit\""},
    {"optim.eps", [](const Recipe& r) { return r.optim.name.starts_with("adamw"); },
     "optim.name = \"adamw\" or \"adamw_8bit\""},
    {"sched.decay_", [](const Recipe& r) { return r.sched.name == "wsd"; }, "sched.name = \"wsd\""},
    {"sched.power", [](const Recipe& r) { return r.sched.name == "polynomial"; },
     "sched.name = \"polynomial\""},
    {"sched.timescale", [](const Recipe& r) { return r.sched.name == "inverse_sqrt"; },
     "sched.name = \"inverse_sqrt\""},
    {"sched.baseline_tokens", [](const Recipe& r) { return r.sched.adaptive; },
     "sched.adaptive = true"},
    {"eval.every", &has_held_out, "data.eval_files (--eval-data)"},
    {"eval.at_start", &has_held_out, "data.eval_files (--eval-data)"},
    {"eval.patience", &has_held_out, "data.eval_files (--eval-data)"},
    {"checkpoint.best_by", &has_held_out, "data.eval_files (--eval-data)"},
};

/// Whether a line of the table is of a key: its own name, or the beginning of a section's.
bool is_of(const Reader& reader, std::string_view key) {
  const bool section = reader.key.ends_with('.') || reader.key.ends_with('_');
  return section ? key.starts_with(reader.key) : key == reader.key;
}

}  // namespace

Result<Ok> check_unread_keys(const Recipe& recipe) {
  Recipe now = recipe;  // slots are of what may be written
  Recipe defaults;
  for (const RecipeKey& key : recipe_keys()) {
    if (stored_values(key, now) == stored_values(key, defaults)) {
      continue;
    }
    for (const Reader& reader : kReaders) {
      if (is_of(reader, key.name) && !reader.reads(recipe)) {
        return invalid_argument("{} is set, and only {} reads it (method is \"{}\")", key.name,
                                reader.needed, recipe.method);
      }
    }
  }
  return Ok{};
}

}  // namespace cupel::train
