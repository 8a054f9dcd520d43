#include "train/recipe/recipe_inputs.h"

#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "engine/model/description.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "train/data/row_tokenizer.h"
#include "train/recipe/recipe_options.h"

namespace cupel::train {

Result<RecipeTexts> open_texts(const Recipe& recipe) {
  if (recipe.model.empty()) {
    return invalid_argument(
        "no model; set model (--model) to a folder of safetensors or a GGUF "
        "file");
  }
  RecipeTexts out;
  CUPEL_TRY(engine::Checkpoint file, engine::open_checkpoint(recipe.model));
  out.file = std::make_shared<const engine::Checkpoint>(std::move(file));
  CUPEL_TRY(out.texts, engine::load_texts(*out.file));
  CUPEL_TRY(const engine::ModelDescription description, engine::describe_model(*out.file));
  CUPEL_TRY_VOID(engine::check_vocabulary(recipe.model, *out.texts.tokenizer, description));
  std::string source = out.texts.chat_template;
  const std::string& named = recipe.data.chat_template;
  if (!named.empty()) {
    CUPEL_TRY(source, read_file(named));
    out.named_template = source;
  }
  if (!source.empty()) {
    auto parsed = engine::ChatTemplate::parse(source);
    if (!parsed) {
      return in_context(std::move(parsed).error(),
                        named.empty() ? format("{}: its chat template", recipe.model) : named);
    }
    out.chat_template = std::move(*parsed);
  }
  return out;
}

Result<DataSet> load_rows(const Recipe& recipe,
                          const RecipeTexts& texts,
                          const std::vector<std::string>& files) {
  CUPEL_TRY(TokenizeOptions options, tokenize_options(recipe));
  options.keep_roles = true;
  CUPEL_TRY(const RowTokenizer tokenizer,
            RowTokenizer::create(*texts.texts.tokenizer,
                                 texts.chat_template ? &*texts.chat_template : nullptr, options));
  return load_data(tokenizer, {.paths = files,
                               .skip_bad = recipe.data.skip_bad,
                               .kind = data_kind(recipe),
                               .ratings = recipe.reward.attributes});
}

}  // namespace cupel::train
