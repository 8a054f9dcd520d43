#include "align/tune/prepare.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "engine/model/description.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "train/data/row_tokenizer.h"
#include "train/recipe/recipe_options.h"

namespace cupel::align {
namespace {

using train::DataSet;
using train::Recipe;

Result<Ok> read_texts(const Recipe& recipe, PreparedRun& run) {
  CUPEL_TRY(engine::Checkpoint file, engine::open_checkpoint(recipe.model));
  run.file = std::make_shared<const engine::Checkpoint>(std::move(file));
  CUPEL_TRY(run.texts, engine::load_texts(*run.file));
  CUPEL_TRY(const engine::ModelDescription description, engine::describe_model(*run.file));
  CUPEL_TRY_VOID(engine::check_vocabulary(recipe.model, *run.texts.tokenizer, description));
  std::string source = run.texts.chat_template;
  const std::string& named = recipe.data.chat_template;
  if (!named.empty()) {
    CUPEL_TRY(source, read_file(named));
    run.named_template = source;
  }
  if (!source.empty()) {
    auto parsed = engine::ChatTemplate::parse(source);
    if (!parsed) {
      return in_context(std::move(parsed).error(),
                        named.empty() ? format("{}: its chat template", recipe.model) : named);
    }
    run.chat_template = std::move(*parsed);
  }
  return Ok{};
}

Result<DataSet> read_rows(const Recipe& recipe,
                          const PreparedRun& run,
                          const std::vector<std::string>& files,
                          bool keep_roles) {
  CUPEL_TRY(train::TokenizeOptions options, train::tokenize_options(recipe));
  options.keep_roles = keep_roles;
  CUPEL_TRY(const train::RowTokenizer tokenizer,
            train::RowTokenizer::create(
                *run.texts.tokenizer, run.chat_template ? &*run.chat_template : nullptr, options));
  return train::load_data(
      tokenizer,
      {.paths = files, .skip_bad = recipe.data.skip_bad, .kind = run.method.data_kind()});
}

Result<std::string> file_fingerprint(const std::string& path) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  Fingerprint all;
  all.add(file.bytes());
  return all.hex();
}

}  // namespace

Result<PreparedRun> prepare_run(const Recipe& recipe, int64_t ranks) {
  PreparedRun run;
  CUPEL_TRY(run.method, find_method(recipe));
  if (recipe.model.empty()) {
    return invalid_argument(
        "no model; set model (--model) to a folder of safetensors or a GGUF "
        "file");
  }
  if (recipe.data.files.empty()) {
    return invalid_argument("no training data; set data.files (--data) to JSONL or Parquet files");
  }
  CUPEL_TRY_VOID(read_texts(recipe, run));
  CUPEL_TRY(run.data, read_rows(recipe, run, recipe.data.files, true));
  for (train::Example& example : run.data.examples) {
    run.instruction_tokens += std::ranges::count(example.roles, train::TokenRole::kInstruction);
    run.completion_tokens += std::ranges::count(example.roles, train::TokenRole::kCompletion);
    example.roles = {};  // training does not look at them
  }
  if (!recipe.data.eval_files.empty()) {
    CUPEL_TRY(run.held_out, read_rows(recipe, run, recipe.data.eval_files, true));
  }
  for (const std::vector<std::string>* files : {&recipe.data.files, &recipe.data.eval_files}) {
    for (const std::string& path : *files) {
      CUPEL_TRY(std::string fingerprint, file_fingerprint(path));
      run.data_fingerprints.push_back(std::move(fingerprint));
    }
  }
  CUPEL_TRY(const train::BatchOptions options,
            train::batch_options(recipe, run.data, run.method.data_kind(), ranks));
  CUPEL_TRY(run.batcher, train::Batcher::create(options, run.data.lengths, run.data.characters));
  run.total_steps = train::total_steps(recipe, *run.batcher);
  CUPEL_TRY(const train::ScheduleOptions schedule,
            train::schedule_options(recipe, run.total_steps));
  CUPEL_TRY(run.schedule, train::Schedule::create(schedule));
  return run;
}

}  // namespace cupel::align
