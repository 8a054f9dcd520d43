#include "store/call_codec.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace cupel::store {
namespace {

bool is_plain(const Conversation& conversation) {
  for (const Message& message : conversation) {
    for (const MessagePart& part : message.parts) {
      if (const auto* text = std::get_if<TextPart>(&part)) {
        if (!is_valid_utf8(text->text)) {
          return false;
        }
      } else {
        const auto* image = std::get_if<ImagePart>(&part);
        if (image == nullptr || !image->bytes.empty()) {
          return false;
        }
      }
    }
  }
  return true;
}

bool is_plain(const std::vector<std::string>& texts) {
  return std::all_of(texts.begin(), texts.end(), [](const auto& t) { return is_valid_utf8(t); });
}

template <typename Numbers>
bool all_finite(const Numbers& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](auto x) { return std::isfinite(x); });
}

template <typename Range>
Json to_array(const Range& range) {
  Json array = Json::array();
  for (const auto& item : range) {
    if constexpr (std::is_floating_point_v<std::decay_t<decltype(item)>>) {
      array.push_back(static_cast<double>(item));
    } else {
      array.push_back(item);
    }
  }
  return array;
}

Json raw_prompt_json(const std::optional<std::string>& raw_prompt) {
  return raw_prompt ? Json(*raw_prompt) : Json();
}

template <typename Number>
Result<std::vector<Number>> numbers_from(const Json& object, std::string_view key) {
  CUPEL_TRY(const Json* array, get_array(object, key));
  std::vector<Number> numbers;
  numbers.reserve(array->size());
  for (const Json& item : array->as_array()) {
    constexpr bool kWhole = std::is_integral_v<Number>;
    if (!item.is_number() || (kWhole && !item.is_int())) {
      return corrupt_data("\"{}\" holds {}; expected numbers", key, item.type_name());
    }
    if constexpr (kWhole) {
      if (item.as_int() != static_cast<int64_t>(static_cast<Number>(item.as_int()))) {
        return corrupt_data("\"{}\" holds {}; expected token ids", key, item.as_int());
      }
      numbers.push_back(static_cast<Number>(item.as_int()));
    } else {
      numbers.push_back(static_cast<Number>(item.as_double()));
    }
  }
  return numbers;
}

Result<LabelScores> label_scores_from(const Json& row) {
  if (!row.is_array()) {
    return corrupt_data("\"scores\" holds {}; expected arrays", row.type_name());
  }
  LabelScores scores;
  for (const Json& item : row.as_array()) {
    if (!item.is_null() && !item.is_number()) {
      return corrupt_data("\"scores\" holds {}; expected numbers", item.type_name());
    }
    scores.logprobs.push_back(item.is_null() ? std::nullopt : std::optional(item.as_double()));
  }
  return scores;
}

std::optional<CallKey> key_of(const std::string& fingerprint,
                              std::optional<std::string> request,
                              int64_t sample_index) {
  if (!request) {
    return std::nullopt;
  }
  return CallKey{
      .model = fingerprint, .request = std::move(*request), .sample_index = sample_index};
}

}  // namespace

std::optional<std::string> encode_request(const ChatRequest& request) {
  if (!is_plain(request.messages) || !is_valid_utf8(request.raw_prompt.value_or("")) ||
      !is_valid_utf8(request.raw_suffix.value_or("")) || !is_plain(request.sampling.stop) ||
      !is_valid_utf8(request.sampling.constraint.text)) {
    return std::nullopt;
  }
  Json json = Json::object();
  json.set("kind", "chat")
      .set("messages", conversation_to_json(request.messages))
      .set("raw_prompt", raw_prompt_json(request.raw_prompt))
      .set("sampling", sampling_to_json(request.sampling))
      .set("logprobs", request.logprobs)
      .set("tools", request.tools)
      .set("template_variables", request.template_variables)
      .set("extra_body", request.extra_body);
  if (request.raw_suffix) {  // absent otherwise: calls that were kept before stay known
    json.set("raw_suffix", *request.raw_suffix);
  }
  return canonical_json(json);
}

std::optional<std::string> encode_request(const LabelScoreRequest& request) {
  Json prompts = Json::array();
  for (const Conversation& prompt : request.prompts) {
    if (!is_plain(prompt)) {
      return std::nullopt;
    }
    prompts.push_back(conversation_to_json(prompt));
  }
  if (!is_plain(request.labels)) {
    return std::nullopt;
  }
  return canonical_json(Json::object()
                            .set("kind", "labels")
                            .set("prompts", std::move(prompts))
                            .set("labels", to_array(request.labels)));
}

std::optional<std::string> encode_request(const CompletionScoreRequest& request) {
  if (!is_plain(request.messages) || !is_valid_utf8(request.raw_prompt.value_or("")) ||
      !is_plain(request.completions)) {
    return std::nullopt;
  }
  return canonical_json(Json::object()
                            .set("kind", "completions")
                            .set("messages", conversation_to_json(request.messages))
                            .set("raw_prompt", raw_prompt_json(request.raw_prompt))
                            .set("completions", to_array(request.completions)));
}

std::optional<CallKey> call_key(const std::string& fingerprint, const ChatRequest& request) {
  return key_of(fingerprint, encode_request(request), request.sample_index);
}

std::optional<CallKey> call_key(const std::string& fingerprint, const LabelScoreRequest& request) {
  return key_of(fingerprint, encode_request(request), 0);
}

std::optional<CallKey> call_key(const std::string& fingerprint,
                                const CompletionScoreRequest& request) {
  return key_of(fingerprint, encode_request(request), 0);
}

std::optional<Json> encode_response(const ChatResponse& response) {
  if (!is_valid_utf8(response.text) || !all_finite(response.logprobs)) {
    return std::nullopt;
  }
  return Json::object()
      .set("text", response.text)
      .set("ids", to_array(response.ids))
      .set("logprobs", to_array(response.logprobs))
      .set("finish_reason", finish_reason_name(response.finish_reason))
      .set("prompt_tokens", response.usage.prompt_tokens)
      .set("completion_tokens", response.usage.completion_tokens)
      .set("cached_tokens", response.usage.cached_tokens)
      .set("prefill_s", response.timings.prefill_s)
      .set("decode_s", response.timings.decode_s);
}

std::optional<Json> encode_response(const LabelScoreResponse& response) {
  Json rows = Json::array();
  for (const LabelScores& scores : response.scores) {
    Json row = Json::array();
    for (const auto& logprob : scores.logprobs) {
      if (logprob && !std::isfinite(*logprob)) {
        return std::nullopt;
      }
      row.push_back(logprob ? Json(*logprob) : Json());
    }
    rows.push_back(std::move(row));
  }
  return Json::object()
      .set("scores", std::move(rows))
      .set("prompt_tokens", response.prompt_tokens)
      .set("cached_tokens", response.cached_tokens)
      .set("seconds", response.seconds);
}

std::optional<Json> encode_response(const std::vector<CompletionScore>& response) {
  Json rows = Json::array();
  for (const CompletionScore& score : response) {
    if (!all_finite(score.logprobs) || !std::isfinite(score.sum)) {
      return std::nullopt;
    }
    rows.push_back(Json::object()
                       .set("ids", to_array(score.ids))
                       .set("logprobs", to_array(score.logprobs))
                       .set("sum", score.sum));
  }
  return Json::object().set("completions", std::move(rows));
}

Result<ChatResponse> decode_chat_response(const Json& json) {
  ChatResponse response;
  CUPEL_TRY(response.text, get_string(json, "text"));
  CUPEL_TRY(response.ids, numbers_from<TokenId>(json, "ids"));
  CUPEL_TRY(response.logprobs, numbers_from<float>(json, "logprobs"));
  CUPEL_TRY(const std::string reason, get_string(json, "finish_reason"));
  CUPEL_TRY(response.finish_reason, parse_finish_reason(reason));
  CUPEL_TRY(response.usage.prompt_tokens, get_int(json, "prompt_tokens"));
  CUPEL_TRY(response.usage.completion_tokens, get_int(json, "completion_tokens"));
  CUPEL_TRY(response.usage.cached_tokens, get_int(json, "cached_tokens"));
  CUPEL_TRY(response.timings.prefill_s, get_double(json, "prefill_s"));
  CUPEL_TRY(response.timings.decode_s, get_double(json, "decode_s"));
  return response;
}

Result<LabelScoreResponse> decode_label_response(const Json& json) {
  LabelScoreResponse response;
  CUPEL_TRY(const Json* rows, get_array(json, "scores"));
  for (const Json& row : rows->as_array()) {
    CUPEL_TRY(LabelScores scores, label_scores_from(row));
    response.scores.push_back(std::move(scores));
  }
  CUPEL_TRY(response.prompt_tokens, get_int(json, "prompt_tokens"));
  CUPEL_TRY(response.cached_tokens, get_int(json, "cached_tokens"));
  CUPEL_TRY(response.seconds, get_double(json, "seconds"));
  return response;
}

Result<std::vector<CompletionScore>> decode_completion_scores(const Json& json) {
  std::vector<CompletionScore> scores;
  CUPEL_TRY(const Json* rows, get_array(json, "completions"));
  for (const Json& row : rows->as_array()) {
    CompletionScore score;
    CUPEL_TRY(score.ids, numbers_from<TokenId>(row, "ids"));
    CUPEL_TRY(score.logprobs, numbers_from<double>(row, "logprobs"));
    CUPEL_TRY(score.sum, get_double(row, "sum"));
    scores.push_back(std::move(score));
  }
  return scores;
}

}  // namespace cupel::store
