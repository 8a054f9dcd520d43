#include "decode/reading_model.h"

#include <algorithm>
#include <utility>

#include "decode/chat_prompt.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::decode {

Result<ReadingModel> ReadingModel::open(const LocalModelOptions& options) {
  CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(options.path));
  CUPEL_TRY(engine::ModelTexts texts, engine::load_texts(file, {.pre = options.tokenizer_pre}));
  ReadingModel model;
  model.path = options.path;
  model.own_template = std::move(texts.chat_template);
  model.template_path = options.template_path;
  CUPEL_TRY(model.transformer, engine::Transformer::load(file, options.engine));
  model.tokenizer = std::move(texts.tokenizer);
  CUPEL_TRY_VOID(
      engine::check_vocabulary(options.path, *model.tokenizer, model.transformer->description()));
  model.bos = texts.add_bos ? texts.bos : -1;
  return model;
}

Result<std::optional<engine::ChatTemplate>> ReadingModel::chat_template() const {
  CUPEL_TRY(const std::string source, template_source(own_template, template_path));
  return parse_template(source, path, template_path);
}

bool same_vocabulary(const ReadingModel& a, const ReadingModel& b) {
  if (a.transformer->description().vocabulary_size !=
      b.transformer->description().vocabulary_size) {
    return false;
  }
  const size_t named = std::min(a.tokenizer->vocabulary_size(), b.tokenizer->vocabulary_size());
  for (size_t i = 0; i < named; ++i) {
    const auto id = static_cast<TokenId>(i);
    if (a.tokenizer->token_bytes(id, true) != b.tokenizer->token_bytes(id, true)) {
      return false;
    }
  }
  return true;
}

}  // namespace cupel::decode
