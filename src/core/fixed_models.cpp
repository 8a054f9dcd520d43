#include "core/fixed_models.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"

namespace cupel {
namespace {

ChatResponse fixed_response(std::string text) {
  ChatResponse response;
  response.text = std::move(text);
  return response;
}

// Four bytes a token: a stand-in for models that have no tokenizer.
int64_t estimate_tokens(const ChatRequest& request) {
  size_t bytes = request.raw_prompt ? request.raw_prompt->size() : 0;
  for (const Message& message : request.messages) {
    bytes += message.text().size();
  }
  return static_cast<int64_t>(bytes / 4);
}

class DoneCall : public ChatCall {};

Result<Ok> check_unconstrained(const std::string& name, const ChatRequest& request) {
  if (request.sampling.constraint.active()) {
    return unsupported("{}: its answers are fixed and cannot be made to follow a {}", name,
                       constraint_name(request.sampling.constraint.kind));
  }
  return Ok{};
}

}  // namespace

std::string NullModel::fingerprint() const {
  return cupel::fingerprint("null\n" + text_);
}

Capabilities NullModel::capabilities() const {
  return {.chat = true, .raw = true, .deterministic = true, .parallel_calls = 64};
}

std::shared_ptr<ChatCall> NullModel::submit(ChatRequest request, ChatSink sink) {
  if (auto possible = check_unconstrained(name(), request); !possible) {
    sink.on_done(std::move(possible).error());
    return std::make_shared<DoneCall>();
  }
  if (sink.on_delta) {
    sink.on_delta(text_);
  }
  sink.on_done(fixed_response(text_));
  return std::make_shared<DoneCall>();
}

Result<int64_t> NullModel::count_prompt_tokens(const ChatRequest& request) const {
  return estimate_tokens(request);
}

// FastChat's records hold texts alone; those that cupel writes also say why each answer ended.
Result<std::vector<RecordedModel::Answer>> RecordedModel::read_turns(const Json& record) {
  CUPEL_TRY(const Json* choices, get_array(record, "choices"));
  if (choices->size() == 0) {
    return corrupt_data("\"choices\" is empty; expected one with \"turns\"");
  }
  const Json& choice = choices->as_array().front();
  CUPEL_TRY(const Json* turns, get_array(choice, "turns"));
  std::vector<Answer> answers;
  for (const Json& turn : turns->as_array()) {
    if (!turn.is_string()) {
      return corrupt_data("\"turns\" holds {}; expected strings", turn.type_name());
    }
    answers.push_back({.text = turn.as_string()});
  }
  if (!choice.contains("finish_reasons")) {
    return answers;
  }
  CUPEL_TRY(const Json* reasons, get_array(choice, "finish_reasons"));
  if (reasons->size() != answers.size()) {
    return corrupt_data("\"finish_reasons\" holds {} for {} turns", reasons->size(),
                        answers.size());
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    const Json& reason = reasons->as_array()[i];
    if (!reason.is_string()) {
      return corrupt_data("\"finish_reasons\" holds {}; expected strings", reason.type_name());
    }
    if (reason.as_string() != "error") {  // a call that failed left an empty answer
      CUPEL_TRY(answers[i].finish_reason, parse_finish_reason(reason.as_string()));
    }
  }
  return answers;
}

Result<std::unique_ptr<RecordedModel>> RecordedModel::open(std::string name,
                                                           const std::string& path) {
  std::unique_ptr<RecordedModel> model(new RecordedModel);
  model->name_ = std::move(name);
  model->path_ = path;
  std::string all;
  CUPEL_TRY_VOID(for_each_jsonl_file(path, [&](Json&& record, size_t) -> Result<Ok> {
    CUPEL_TRY(const int64_t id, get_int(record, "question_id"));
    CUPEL_TRY(std::vector<Answer> turns, read_turns(record));
    all += dump_json(record) + "\n";
    if (!model->answers_.emplace(id, std::move(turns)).second) {
      return corrupt_data("question {} is answered twice; expected one record per question", id);
    }
    return Ok{};
  }));
  model->fingerprint_ = cupel::fingerprint("answers\n" + all);
  return model;
}

Capabilities RecordedModel::capabilities() const {
  return {.chat = true, .deterministic = true, .parallel_calls = 64};
}

Result<ChatResponse> RecordedModel::answer(const ChatRequest& request) const {
  CUPEL_TRY_VOID(check_unconstrained(name(), request));
  auto id = get_int(request.template_variables, "question_id");
  auto turn = get_int(request.template_variables, "turn");
  if (!id || !turn) {
    return invalid_argument(
        "{}: recorded answers can only be asked the questions of a benchmark (cupel eval)", path_);
  }
  const auto found = answers_.find(*id);
  if (found == answers_.end() || *turn < 1 || *turn > static_cast<int64_t>(found->second.size())) {
    return not_found("{}: holds no answer to question {}, turn {}", path_, *id, *turn);
  }
  const Answer& answer = found->second[static_cast<size_t>(*turn - 1)];
  ChatResponse response = fixed_response(answer.text);
  response.finish_reason = answer.finish_reason;
  return response;
}

std::shared_ptr<ChatCall> RecordedModel::submit(ChatRequest request, ChatSink sink) {
  auto response = answer(request);
  if (response && sink.on_delta) {
    sink.on_delta(response->text);
  }
  sink.on_done(std::move(response));
  return std::make_shared<DoneCall>();
}

Result<int64_t> RecordedModel::count_prompt_tokens(const ChatRequest& request) const {
  return estimate_tokens(request);
}

}  // namespace cupel
