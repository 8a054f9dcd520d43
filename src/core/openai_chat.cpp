#include "core/openai_chat.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr int64_t kTopLogprobs = 20;           // the most that the published API gives
constexpr int64_t kMaxTokens = 1'000'000'000;  // a count beyond is nonsense
constexpr double kNotReported = -9999;         // stands for "outside the top" in some answers

// Every endpoint's own word for the three ways to end. Whatever else one says is an error: an
// aborted answer must not pass for a whole one.
struct ReasonName {
  std::string_view name;
  FinishReason reason;
};
constexpr std::array<ReasonName, 10> kReasons = {{
    {"stop", FinishReason::kStop},
    {"eos", FinishReason::kStop},
    {"eos_token", FinishReason::kStop},
    {"end_turn", FinishReason::kStop},
    {"stop_sequence", FinishReason::kStop},
    {"tool_calls", FinishReason::kStop},
    {"function_call", FinishReason::kStop},
    {"length", FinishReason::kLength},
    {"max_tokens", FinishReason::kLength},
    {"content_filter", FinishReason::kFiltered},
}};

Result<FinishReason> parse_reason(const std::string& name) {
  const auto* const found = std::find_if(kReasons.begin(), kReasons.end(),
                                         [&](const ReasonName& r) { return r.name == name; });
  if (found == kReasons.end()) {
    return unavailable("the answer ended with finish_reason \"{}\"", printable(name, 40));
  }
  return found->reason;
}

Result<Ok> check_messages(const ChatRequest& request) {
  if (request.raw_suffix) {
    return unsupported("an endpoint takes messages, which have no suffix; name a GGUF file");
  }
  if (request.raw_prompt) {
    return unsupported(
        "an endpoint takes messages, not raw prompts; leave out --raw or name a GGUF file");
  }
  for (const Message& message : request.messages) {
    for (const MessagePart& part : message.parts) {
      const auto* image = std::get_if<ImagePart>(&part);
      if (!std::holds_alternative<TextPart>(part) && (image == nullptr || image->uri.empty())) {
        return unsupported("an endpoint takes text and image addresses; a {} message has others",
                           message.role);
      }
    }
  }
  return check_sampling(request.sampling);
}

// Seeds of the samples of one request differ, and stay in the 31 bits that every server accepts.
int64_t sample_seed(const ChatRequest& request) {
  const uint64_t bits =
      request.sample_index == 0
          ? request.sampling.seed
          : random_bits(request.sampling.seed, static_cast<uint64_t>(request.sample_index), 0);
  return static_cast<int64_t>(bits & 0x7FFFFFFFU);
}

void set_sampling(const ChatRequest& request, Json& body) {
  const SamplingOptions& o = request.sampling;
  body.set("temperature", o.greedy() ? 0.0 : o.temperature);
  body.set("max_tokens", o.max_tokens);
  if (!o.greedy()) {
    body.set("seed", sample_seed(request));
  }
  if (o.top_p != 1) {
    body.set("top_p", o.top_p);
  }
  if (o.top_k != 0) {
    body.set("top_k", o.top_k);
  }
  if (o.min_p != 0) {
    body.set("min_p", o.min_p);
  }
  if (o.repetition_penalty != 1) {
    body.set("repetition_penalty", o.repetition_penalty);
  }
  if (!o.stop.empty()) {
    Json stop = Json::array();
    for (const std::string& text : o.stop) {
      stop.push_back(text);
    }
    body.set("stop", std::move(stop));
  }
}

Result<Ok> set_constraint(const OutputConstraint& constraint, Json& body) {
  if (constraint.kind == OutputConstraint::Kind::kRegex) {
    return unsupported(
        "the API of endpoints has no field for answers that match a pattern; use a JSON schema "
        "with \"pattern\", or a local model");
  }
  if (constraint.kind == OutputConstraint::Kind::kJsonSchema) {
    auto schema = parse_json(constraint.text);
    if (!schema) {
      return in_context(std::move(schema).error(), constraint_name(constraint.kind));
    }
    body.set("response_format", Json::object()
                                    .set("type", "json_schema")
                                    .set("json_schema", Json::object()
                                                            .set("name", "answer")
                                                            .set("strict", true)
                                                            .set("schema", std::move(*schema))));
  }
  return Ok{};
}

void set_template_variables(const Json& variables, Json& body) {
  if (!variables.is_object()) {
    return;
  }
  Json kwargs;
  for (const auto& [key, value] : variables.as_object()) {
    if (key != "question_id" && key != "turn") {
      kwargs.set(key, value);
    }
  }
  if (!kwargs.is_null()) {
    body.set("chat_template_kwargs", std::move(kwargs));
  }
}

void merge(const Json& extra, Json& body) {
  if (!extra.is_object()) {
    return;
  }
  for (const auto& [key, value] : extra.as_object()) {
    if (value.is_null()) {
      body.erase(key);
    } else {
      body.set(key, value);
    }
  }
}

// What an "error" member says; it may be a string or an object.
std::string error_words(const Json& error) {
  if (error.is_string()) {
    return error.as_string();
  }
  const Json* message = error.find("message");
  return message != nullptr && message->is_string() ? message->as_string() : dump_json(error);
}

Result<Ok> check_no_error(const Json& object) {
  if (!object.is_object()) {
    return corrupt_data("the answer is {}; expected an object", object.type_name());
  }
  const Json* error = object.find("error");
  if (error != nullptr && !error->is_null()) {
    return unavailable("the endpoint reports: {}", printable(error_words(*error), 200));
  }
  return Ok{};
}

Result<int64_t> token_count(const Json& usage, std::string_view key) {
  CUPEL_TRY(const int64_t count, get_int_or(usage, key, 0));
  if (count < 0 || count > kMaxTokens) {
    return corrupt_data("usage: \"{}\" is {}; expected a number of tokens", key, count);
  }
  return count;
}

Result<Ok> read_usage(const Json& object, Usage& usage) {
  const Json* json = object.find("usage");
  if (json == nullptr || json->is_null()) {
    return Ok{};
  }
  CUPEL_TRY(usage.prompt_tokens, token_count(*json, "prompt_tokens"));
  CUPEL_TRY(usage.completion_tokens, token_count(*json, "completion_tokens"));
  if (const Json* details = json->find("prompt_tokens_details");
      details != nullptr && details->is_object()) {
    CUPEL_TRY(usage.cached_tokens, token_count(*details, "cached_tokens"));
  }
  return Ok{};
}

// `content` as text: a string, null, or a list of parts of which the text ones count.
Result<std::string> content_text(const Json& message) {
  const Json* content = message.find("content");
  if (content == nullptr || content->is_null()) {
    return std::string();
  }
  if (content->is_string()) {
    return content->as_string();
  }
  if (!content->is_array()) {
    return corrupt_data("\"content\" is {}; expected a string", content->type_name());
  }
  std::string text;
  for (const Json& part : content->as_array()) {
    CUPEL_TRY(const std::string piece, get_string_or(part, "text", ""));
    text += piece;
  }
  return text;
}

// The list of per-token records in a choice's "logprobs", or null.
const Json* logprob_records(const Json& choice) {
  const Json* logprobs = choice.find("logprobs");
  const Json* content = logprobs == nullptr ? nullptr : logprobs->find("content");
  return content != nullptr && content->is_array() ? content : nullptr;
}

Result<Ok> read_logprobs(const Json& choice, std::vector<float>& out) {
  const Json* records = logprob_records(choice);
  if (records == nullptr) {
    return Ok{};
  }
  for (const Json& record : records->as_array()) {
    CUPEL_TRY(const double logprob, get_double(record, "logprob"));
    out.push_back(static_cast<float>(logprob));
  }
  return Ok{};
}

// Reads what completions and chunks have in common; returns the text of the first choice.
Result<std::string> read_choice(const Json& choice,
                                std::string_view text_key,
                                ChatResponse& response,
                                bool& finished) {
  CUPEL_TRY_VOID(read_logprobs(choice, response.logprobs));
  CUPEL_TRY(const std::string reason, get_string_or(choice, "finish_reason", ""));
  if (!reason.empty()) {
    CUPEL_TRY(response.finish_reason, parse_reason(reason));
    finished = true;
  }
  const Json* message = choice.find(text_key);
  if (message == nullptr || message->is_null()) {
    return std::string();
  }
  return content_text(*message);
}

Result<const Json*> first_choice(const Json& completion) {
  CUPEL_TRY(const Json* choices, get_array(completion, "choices"));
  if (choices->size() == 0) {
    return corrupt_data("\"choices\" is empty; expected one");
  }
  return &choices->as_array().front();
}

}  // namespace

std::string fold_label(std::string_view token) {
  for (const std::string_view blank : {" ", "\xC4\xA0", "\xE2\x96\x81"}) {
    if (token.starts_with(blank)) {
      token.remove_prefix(blank.size());
      break;
    }
  }
  return to_lower_ascii(token);
}

Result<Json> openai_request_body(const ChatRequest& request,
                                 std::string_view model,
                                 const Json& extra_body,
                                 bool stream) {
  CUPEL_TRY_VOID(check_messages(request));
  Json body = Json::object();
  body.set("model", model).set("messages", conversation_to_json(request.messages));
  set_sampling(request, body);
  CUPEL_TRY_VOID(set_constraint(request.sampling.constraint, body));
  if (request.logprobs) {
    body.set("logprobs", true);
  }
  if (!request.tools.is_null()) {
    body.set("tools", request.tools);
  }
  set_template_variables(request.template_variables, body);
  if (stream) {
    body.set("stream", true).set("stream_options", Json::object().set("include_usage", true));
  }
  merge(extra_body, body);
  merge(request.extra_body, body);
  return body;
}

Result<ChatResponse> parse_openai_completion(const Json& completion) {
  CUPEL_TRY_VOID(check_no_error(completion));
  CUPEL_TRY(const Json* choice, first_choice(completion));
  CUPEL_TRY_VOID(get_object(*choice, "message"));
  ChatResponse response;
  bool finished = false;
  CUPEL_TRY(response.text, read_choice(*choice, "message", response, finished));
  CUPEL_TRY_VOID(read_usage(completion, response.usage));
  return response;
}

Result<std::string> OpenAiStream::push(std::string_view event_data) {
  if (done_) {
    return std::string();
  }
  if (trim(event_data) == "[DONE]") {
    done_ = true;
    return std::string();
  }
  CUPEL_TRY(const Json chunk, parse_json(event_data));
  CUPEL_TRY_VOID(check_no_error(chunk));
  CUPEL_TRY_VOID(read_usage(chunk, response_.usage));
  CUPEL_TRY(const Json* choices, get_array(chunk, "choices"));
  if (choices->size() == 0) {  // the chunk that carries the usage
    return std::string();
  }
  CUPEL_TRY(std::string delta,
            read_choice(choices->as_array().front(), "delta", response_, finished_));
  response_.text += delta;
  return delta;
}

ChatRequest openai_label_request(const Conversation& prompt) {
  ChatRequest request;
  request.messages = prompt;
  request.sampling.max_tokens = 1;
  request.logprobs = true;
  request.extra_body = Json::object().set("top_logprobs", kTopLogprobs);
  return request;
}

Result<LabelScores> parse_openai_labels(const Json& completion,
                                        std::span<const std::string> labels) {
  CUPEL_TRY_VOID(check_no_error(completion));
  CUPEL_TRY(const Json* choice, first_choice(completion));
  const Json* records = logprob_records(*choice);
  const Json* top = records == nullptr || records->size() == 0
                        ? nullptr
                        : records->as_array().front().find("top_logprobs");
  if (top == nullptr || !top->is_array() || top->size() == 0) {
    return unsupported(
        "the endpoint gives no log-probabilities (top_logprobs), which the checklist protocol "
        "needs; "
        "use a local model as judge, or --protocol single");
  }
  LabelScores scores;
  scores.logprobs.resize(labels.size());
  for (const Json& entry : top->as_array()) {
    CUPEL_TRY(const std::string token, get_string(entry, "token"));
    CUPEL_TRY(const double logprob, get_double(entry, "logprob"));
    for (size_t i = 0; i < labels.size(); ++i) {
      if (fold_label(token) == fold_label(labels[i]) && logprob > kNotReported) {
        scores.logprobs[i] = std::max(scores.logprobs[i].value_or(logprob), logprob);
      }
    }
  }
  return scores;
}

std::string openai_error_text(std::string_view body) {
  const auto json = parse_json(body);
  if (json && json->is_object()) {
    for (const char* key : {"error", "message", "detail"}) {
      const Json* said = json->find(key);
      if (said != nullptr && !said->is_null()) {
        return printable(error_words(*said), 200);
      }
    }
  }
  const std::string_view text = trim(body);
  return text.empty() ? "an empty body" : "\"" + printable(text, 80) + "\"";
}

}  // namespace cupel
