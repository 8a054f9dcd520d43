#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/message.h"
#include "core/sampling.h"
#include "core/tokenizer.h"

namespace cupel {

/// Why a completion ended.
enum class FinishReason {
  kStop,    ///< end-of-turn token or stop string
  kLength,  ///< max_tokens or the context was used up: the answer is truncated
  kCancelled,
  kFiltered,  ///< an endpoint withheld the answer
};
std::string_view finish_reason_name(
    FinishReason reason);  // "stop", "length", "cancelled", "content_filter"
Result<FinishReason> parse_finish_reason(std::string_view name);

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  ///< prompt tokens that came from a shared prefix or a prompt cache
};
/// Wall seconds spent on this call inside the model (queueing excluded).
struct Timings {
  double prefill_s = 0;
  double decode_s = 0;
};

/// One call. Exactly one of `messages` and `raw_prompt` is used: raw text gets no chat template.
struct ChatRequest {
  Conversation messages;
  std::optional<std::string> raw_prompt;
  /// With raw_prompt: the text behind the answer, which then stands between the two. For models
  /// that were trained to fill gaps; others refuse it.
  std::optional<std::string> raw_suffix;
  SamplingOptions sampling;
  /// Which of several samples of the same request this is; enters the cache key and the draws.
  int64_t sample_index = 0;
  bool logprobs = false;    ///< raw log-probabilities of the generated tokens wanted
  Json tools;               ///< OpenAI tool declarations for the template, or null
  Json template_variables;  ///< further template variables (e.g. {"enable_thinking": false}), or
                            ///< null
  Json extra_body;          ///< further body fields for endpoints, or null
};

struct ChatResponse {
  std::string text;
  std::vector<TokenId> ids;  ///< generated tokens, the end token not included; empty from endpoints
  std::vector<float>
      logprobs;  ///< per id, raw (before any processor), nats; empty when not asked for
  FinishReason finish_reason = FinishReason::kStop;
  Usage usage;
  Timings timings;
  bool from_cache = false;
};

/// The resource of models that compute in this process.
inline constexpr const char* kLocalCompute = "cpu";

/// What a model can do; callers check before they ask.
struct Capabilities {
  bool chat = false;  ///< has a template (or is an endpoint): `messages` work
  bool raw = false;   ///< `raw_prompt` works
  bool logprobs = false;
  bool streaming = false;
  bool deterministic = false;  ///< same request, same answer
  bool constraints = false;    ///< keeps every OutputConstraint itself, token by token
  int64_t context_length = 0;  ///< tokens; 0 = unknown
  /// Calls worth having in flight at once (batch size or concurrency limit).
  int64_t parallel_calls = 1;
  /// What its calls keep busy and share with other models: kLocalCompute for models that compute in
  /// this process. Models of one resource slow each other down, so who measures or fills one keeps
  /// the others waiting. Empty: nothing is shared (endpoints, constant answers).
  std::string resource;
};

/// Where the pieces of a response go. Called from the model's own threads, one call at a time per
/// request; must not block for long and must not throw. `on_done` is called exactly once, last.
struct ChatSink {
  std::function<void(std::string_view delta)> on_delta;  ///< may be empty
  std::function<void(Result<ChatResponse>)> on_done;
};

/// A call in flight. `cancel` asks it to end soon; on_done then reports kCancelled.
class ChatCall {
 public:
  virtual ~ChatCall() = default;
  virtual void cancel() { cancelled_ = true; }
  [[nodiscard]] bool cancelled() const { return cancelled_; }

 protected:
  std::atomic<bool> cancelled_ = false;
};

/// Anything that answers conversations: a local model, an endpoint, a graph of models, a recording.
/// Asynchronous; batching is the model's business. Thread-safe.
class ChatModel {
 public:
  virtual ~ChatModel() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Identity for caches and run records: changes when any answer could change (weights, template,
  /// endpoint and model id, constant text); the same across machines where that is possible.
  [[nodiscard]] virtual std::string fingerprint() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  /// Starts a call. A request that makes no sense is reported through `on_done` too.
  virtual std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) = 0;
  /// Number of prompt tokens of a request, for estimates; endpoints estimate from bytes.
  [[nodiscard]] virtual Result<int64_t> count_prompt_tokens(const ChatRequest& request) const = 0;
};

/// Submits and waits; a stop request cancels the call.
Result<ChatResponse> complete(ChatModel& model, ChatRequest request, std::stop_token stop = {});

}  // namespace cupel
