// Answers of the model that is trained, before and after.
#include "cli/train_samples.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/io.h"
#include "decode/local_model.h"
#include "train/data/row_reader.h"
#include "train/model/export.h"

namespace cupel::cli {
namespace {

using train::Row;

/// What the model is asked: the row's prompt, or the conversation up to its last answer.
Json prompt_of(const Row& row) {
  if (row.form == train::RowForm::kMessages) {
    const Json& messages = row.responses.front().messages;
    Json prompt = Json::array();
    size_t end = messages.size();
    while (end > 0) {
      const Json* const role = messages.as_array()[end - 1].find("role");
      if (role != nullptr && *role == Json("assistant")) {
        break;
      }
      --end;
    }
    for (size_t i = 0; i + 1 < end; ++i) {
      prompt.push_back(messages.as_array()[i]);
    }
    return prompt;
  }
  return row.prompt.is_conversation() ? row.prompt.messages : Json(row.prompt.text);
}

Result<ChatRequest> request_of(const Json& prompt) {
  constexpr int64_t kMaxTokens = 128;
  ChatRequest request;
  if (prompt.is_string()) {
    request.raw_prompt = prompt.as_string();
  } else {
    CUPEL_TRY(request.messages, conversation_from_json(prompt));
  }
  request.sampling.max_tokens = kMaxTokens;
  return request;
}

Result<std::vector<Row>> first_rows(const train::Recipe& recipe) {
  const auto& files = recipe.data.eval_files.empty() ? recipe.data.files : recipe.data.eval_files;
  CUPEL_TRY(train::RowReader reader,
            train::RowReader::create({.paths = files, .skip_bad = recipe.data.skip_bad}));
  std::vector<Row> rows;
  while (static_cast<int64_t>(rows.size()) < recipe.eval.samples) {
    CUPEL_TRY(std::optional<Row> row, reader.next());
    if (!row) {
      break;
    }
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

Result<std::vector<Json>> sample_answers(const train::Recipe& recipe, const train::Model& model) {
  CUPEL_TRY(const std::vector<Row> rows, first_rows(recipe));
  CUPEL_TRY(engine::Checkpoint file, train::checkpoint_of(model));
  decode::LocalModelOptions options{
      .path = recipe.model, .name = "model", .template_path = recipe.data.chat_template};
  options.engine.threads = static_cast<size_t>(recipe.threads);
  CUPEL_TRY(const std::unique_ptr<decode::LocalModel> engine,
            decode::LocalModel::of_checkpoint(std::move(file), *model.source, options));
  std::vector<Json> samples;
  for (const Row& row : rows) {
    const Json prompt = prompt_of(row);
    if (prompt.size() == 0 && !prompt.is_string()) {
      continue;  // a text without a prompt: there is nothing to ask
    }
    CUPEL_TRY(ChatRequest request, request_of(prompt));
    CUPEL_TRY(const ChatResponse answer, complete(*engine, std::move(request)));
    samples.push_back(Json::object()
                          .set("id", row.id)
                          .set("prompt", prompt)
                          .set("text", answer.text)
                          .set("tokens", answer.usage.completion_tokens)
                          .set("finish_reason", finish_reason_name(answer.finish_reason)));
  }
  return samples;
}

}  // namespace cupel::cli
