#include "engine/runtime/loadable.h"

#include "base/error.h"
#include "engine/kernels/operators.h"
#include "engine/model/weights.h"
#include "engine/template/chat_template.h"

namespace cupel::engine {

Result<Loadable> check_loadable(const Checkpoint& file) {
  Loadable found;
  CUPEL_TRY(found.model, describe_model(file));
  CUPEL_TRY(const Operators* operators, operators_for(best_cpu_level()));
  CUPEL_TRY_VOID(check_weights(file, found.model, *operators));
  CUPEL_TRY(found.texts, load_texts(file));
  if (!found.model.encoder && !found.texts.chat_template.empty()) {
    if (auto parsed = ChatTemplate::parse(found.texts.chat_template); !parsed) {
      return in_context(std::move(parsed).error(), format("{}: its chat template", file.path()));
    }
  }
  CUPEL_TRY_VOID(check_vocabulary(file.path(), *found.texts.tokenizer, found.model));
  return found;
}

Result<Ok> check_vocabulary(const std::string& path,
                            const Tokenizer& tokenizer,
                            const ModelDescription& model) {
  const auto tokens = static_cast<int64_t>(tokenizer.vocabulary_size());
  if (tokens > model.vocabulary_size) {
    return corrupt_data("{}: the vocabulary has {} tokens, but the embedding only {} rows", path,
                        tokens, model.vocabulary_size);
  }
  return Ok{};
}

}  // namespace cupel::engine
