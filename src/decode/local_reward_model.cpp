#include "decode/local_reward_model.h"

#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "engine/template/conversation.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::decode {

Result<std::unique_ptr<LocalRewardModel>> LocalRewardModel::open(const LocalModelOptions& options) {
  std::unique_ptr<LocalRewardModel> model(new LocalRewardModel);
  model->path_ = options.path;
  CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(options.path));
  CUPEL_TRY(engine::ModelTexts texts, engine::load_texts(file, {.pre = options.tokenizer_pre}));
  model->tokenizer_ = std::move(texts.tokenizer);
  std::string source = texts.chat_template;
  if (!options.template_path.empty()) {
    CUPEL_TRY(source, read_file(options.template_path));
  }
  if (!source.empty()) {
    auto parsed = engine::ChatTemplate::parse(source);
    if (!parsed) {
      return in_context(std::move(parsed).error(),
                        options.template_path.empty()
                            ? format("{}: its chat template", options.path)
                            : options.template_path);
    }
    model->template_ = std::move(*parsed);
  }
  CUPEL_TRY(model->transformer_, engine::Transformer::load(file, options.engine));
  if (model->outputs() == 0) {
    return invalid_argument(
        "{}: writes text and has no head that rates it; a reward model comes from cupel tune "
        "--method reward-model",
        options.path);
  }
  CUPEL_TRY_VOID(engine::check_vocabulary(options.path, *model->tokenizer_,
                                          model->transformer_->description()));
  return model;
}

Result<std::vector<TokenId>> LocalRewardModel::conversation_ids(const Json& messages,
                                                                const Json& tools) const {
  if (!template_) {
    return failed_precondition("{}: has no chat template, which a conversation needs", path_);
  }
  const Json variables = engine::conversation_variables(*tokenizer_, false, tools);
  CUPEL_TRY(const engine::RenderedConversation rendered,
            engine::render_plainly(*template_, *tokenizer_, messages, variables));
  return tokenizer_->encode(
      rendered.text, {.add_special = false, .parse_special = true, .plain_at = rendered.plain_at});
}

Result<std::vector<std::vector<double>>> LocalRewardModel::rate(
    std::span<const std::vector<TokenId>> texts) {
  const int64_t context = transformer_->description().context_length;
  std::vector<engine::SequenceState> states;
  std::vector<engine::StepRow> rows;
  std::vector<size_t> text_of_row;
  states.reserve(texts.size());  // rows point at them
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<TokenId>& ids = texts[i];
    if (ids.empty() || static_cast<int64_t>(ids.size()) > context) {
      return invalid_argument("a text of {} tokens cannot be rated; the model takes 1 to {}",
                              ids.size(), context);
    }
    states.push_back(transformer_->new_sequence());
    CUPEL_TRY_VOID(transformer_->make_room(states.back(), static_cast<int64_t>(ids.size())));
    for (size_t j = 0; j < ids.size(); ++j) {
      rows.push_back({.sequence = &states.back(), .token = ids[j], .logits = j + 1 == ids.size()});
      text_of_row.push_back(i);
    }
  }
  std::vector<std::vector<double>> result(texts.size());
  CUPEL_TRY_VOID(transformer_->step(rows, [&](size_t row, std::span<float> numbers) {
    result[text_of_row[row]].assign(numbers.begin(), numbers.end());
  }));
  return result;
}

Result<std::vector<double>> LocalRewardModel::rewards(const Conversation& prompt,
                                                      std::span<const std::string> answers) {
  std::vector<std::vector<TokenId>> texts;
  for (const std::string& answer : answers) {
    Conversation whole = prompt;
    whole.push_back(text_message("assistant", answer));
    CUPEL_TRY(std::vector<TokenId> ids, conversation_ids(conversation_to_json(whole)));
    texts.push_back(std::move(ids));
  }
  CUPEL_TRY(const std::vector<std::vector<double>> all, rate(texts));
  std::vector<double> means;
  for (const std::vector<double>& one : all) {
    means.push_back(std::accumulate(one.begin(), one.end(), 0.0) / static_cast<double>(one.size()));
  }
  return means;
}

}  // namespace cupel::decode
