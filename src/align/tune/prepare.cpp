#include "align/tune/prepare.h"

#include <algorithm>
#include <utility>

#include "align/objectives/preference_objective.h"
#include "align/objectives/reward_objective.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "engine/model/description.h"
#include "train/adapter/lora.h"
#include "train/recipe/recipe_options.h"

namespace cupel::align {
namespace {

using train::Recipe;

Result<std::string> file_fingerprint(const std::string& path) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  Fingerprint all;
  all.add(file.bytes());
  return all.hex();
}

/// Of its settings and its tensors. Errors: kNotFound - it is no adapter.
Result<std::string> adapter_fingerprint(const std::string& folder) {
  CUPEL_TRY_VOID(train::expect_adapter(folder));
  CUPEL_TRY(const std::string settings, file_fingerprint(folder + "/adapter_config.json"));
  CUPEL_TRY(const std::string tensors, file_fingerprint(folder + "/adapter_model.safetensors"));
  return settings + tensors;
}

/// Rows of files as the method reads them.
Result<train::DataSet> rows_of(const Recipe& recipe,
                               const PreparedRun& run,
                               const std::vector<std::string>& files) {
  CUPEL_TRY(train::DataSet data, train::load_rows(recipe, run.texts, files));
  if (run.method.kind == Method::Kind::kPreference &&
      run.method.loss->form == LossForm::kUnpaired) {
    train::unpair(data);
  }
  return data;
}

/// Whether the model is of the kind that the method trains.
Result<Ok> check_model(const Recipe& recipe, const PreparedRun& run) {
  CUPEL_TRY(const engine::ModelDescription model, engine::describe_model(*run.texts.file));
  if (model.encoder) {
    return unsupported("{}: is an encoder of texts; cupel tune trains models that write",
                       recipe.model);
  }
  if (model.outputs > 0 && run.method.kind != Method::Kind::kReward) {
    return invalid_argument(
        "{}: is a reward model, which has no head that writes; start method \"{}\" from the model "
        "that it was made of",
        recipe.model, recipe.method);
  }
  return Ok{};
}

}  // namespace

Result<PreparedRun> prepare_run(const Recipe& recipe, int64_t ranks) {
  PreparedRun run;
  CUPEL_TRY(run.method, find_method(recipe));
  CUPEL_TRY(run.texts, train::open_texts(recipe));
  if (!recipe.lora.adapter.empty()) {
    CUPEL_TRY(run.adapter_fingerprint, adapter_fingerprint(recipe.lora.adapter));
  }
  if (recipe.data.files.empty()) {
    return invalid_argument("no training data; set data.files (--data) to JSONL or Parquet files");
  }
  CUPEL_TRY_VOID(check_model(recipe, run));
  CUPEL_TRY(run.data, rows_of(recipe, run, recipe.data.files));
  for (train::Example& example : run.data.examples) {
    run.instruction_tokens += std::ranges::count(example.roles, train::TokenRole::kInstruction);
    run.completion_tokens += std::ranges::count(example.roles, train::TokenRole::kCompletion);
    example.roles = {};  // training does not look at them
  }
  if (!recipe.data.eval_files.empty()) {
    CUPEL_TRY(run.held_out, rows_of(recipe, run, recipe.data.eval_files));
  }
  for (const std::vector<std::string>* files : {&recipe.data.files, &recipe.data.eval_files}) {
    for (const std::string& path : *files) {
      CUPEL_TRY(std::string fingerprint, file_fingerprint(path));
      run.data_fingerprints.push_back(std::move(fingerprint));
    }
  }
  CUPEL_TRY(const train::BatchOptions options, train::batch_options(recipe, run.data, ranks));
  CUPEL_TRY(run.batcher, train::Batcher::create(options, run.data.lengths, run.data.characters));
  CUPEL_TRY(run.total_steps, train::total_steps(recipe, *run.batcher));
  CUPEL_TRY(const train::ScheduleOptions schedule,
            train::schedule_options(recipe, run.total_steps));
  CUPEL_TRY(run.schedule, train::Schedule::create(schedule));
  return run;
}

Result<Ok> check_prepared_rows(const Recipe& recipe, const PreparedRun& run) {
  const Method& method = run.method;
  if (method.kind == Method::Kind::kSft) {
    return Ok{};
  }
  for (const train::DataSet* data : {&run.data, run.held_out ? &*run.held_out : nullptr}) {
    if (data != nullptr) {
      CUPEL_TRY_VOID(
          method.kind == Method::Kind::kReward
              ? check_reward_rows(*method.loss, *method.options, *data, recipe.reward.attributes)
              : check_rows(*method.loss, *method.options, *data, method.needs_reference(recipe)));
    }
  }
  return Ok{};
}

}  // namespace cupel::align
