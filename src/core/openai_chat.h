#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"

namespace cupel {

// The wire form of OpenAI-compatible chat completions, without any network: requests out, answers
// and stream chunks in. Source: the published OpenAI API reference, "Chat Completions"; extensions
// that vLLM, SGLang and llama-server share (top_k, min_p, repetition_penalty,
// chat_template_kwargs).

/// The body of `POST …/chat/completions`.
///
/// A JSON schema as constraint becomes `response_format`, which the endpoint must know. Fields
/// beyond OpenAI's own go out only when they differ from the defaults, so that strict endpoints
/// accept plain requests. Template variables become `chat_template_kwargs`, but for "question_id"
/// and "turn", which address recorded answers. A greedy request carries no seed; sample i > 0 of a
/// request gets a seed of its own. `extra_body` comes last: its members replace others, a null
/// member removes one (e.g. {"max_tokens": null, "max_completion_tokens": 64}). Errors:
/// kInvalidArgument - sampling options out of range; kCorruptData - a schema that is no
///         JSON; kUnsupported - a raw prompt, parts other than text and image addresses, or a
///         pattern as constraint.
Result<Json> openai_request_body(const ChatRequest& request,
                                 std::string_view model,
                                 const Json& extra_body,
                                 bool stream);

/// The answer in a completion object.
///
/// `content` null (a tool call, a refusal) is an empty text. Usage that the endpoint does not
/// report stays 0. Log-probs are filled when there are any; ids never are. Errors: kUnavailable -
/// an "error" object; kCorruptData - another shape, naming the member.
Result<ChatResponse> parse_openai_completion(const Json& completion);

/// Puts a streamed answer together.
class OpenAiStream {
 public:
  /// Takes the data of one event and returns the text it adds, often "". After "[DONE]" nothing
  /// more is read. Errors: as parse_openai_completion; the stream is then of no further use.
  Result<std::string> push(std::string_view event_data);
  /// True once a finish reason or "[DONE]" has come: only then is there an answer.
  [[nodiscard]] bool complete() const { return done_ || finished_; }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const ChatResponse& response() const { return response_; }

 private:
  ChatResponse response_;
  bool done_ = false;
  bool finished_ = false;
};

/// A request whose answer's first token carries the probabilities of the most likely ones.
ChatRequest openai_label_request(const Conversation& prompt);

/// A token or label as labels are compared: without one leading blank (also written as "Ġ" or "▁"),
/// in lower case.
std::string fold_label(std::string_view token);

/// Log-probability per label from the `top_logprobs` of the first token of a completion: the
/// largest among the reported tokens that fold to the label; nullopt when none was reported.
/// Errors: kUnsupported - the completion holds no top_logprobs; kCorruptData - of another shape.
Result<LabelScores> parse_openai_labels(const Json& completion,
                                        std::span<const std::string> labels);

/// One line that an endpoint gives with a failure: the message of its "error" object, or an excerpt
/// of what it sent instead.
std::string openai_error_text(std::string_view body);

}  // namespace cupel
