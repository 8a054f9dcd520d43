#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "core/model_spec.h"
#include "core/scorer.h"

namespace cupel {

/// Where an endpoint is and how patiently it is asked. Times are seconds.
struct RemoteOptions {
  std::string name;   ///< in reports
  std::string url;    ///< up to, not including, /chat/completions; may end in ?query
  std::string model;  ///< the endpoint's id of the model
  std::string
      key_env;  ///< variable that holds the API key; empty = OPENAI_API_KEY when that is set
  int64_t concurrency = 8;  ///< requests in flight at once, [1, 256]
  double timeout_s = 600;   ///< of one attempt
  double connect_timeout_s = 10;
  double idle_timeout_s = 120;  ///< between two pieces of a stream
  int64_t max_attempts = 5;     ///< ≥ 1
  double backoff_s = 0.5;  ///< first wait; doubles each time, shortened by up to half at random
  double max_backoff_s = 30;
  double max_retry_after_s = 120;  ///< a longer Retry-After is cut to this
  Json extra_body;                 ///< further members of every request, or null
};

/// A model behind an OpenAI-compatible endpoint: `POST {url}/chat/completions`.
///
/// A call with `on_delta` is streamed, others are not. Refused and lost connections, time limits,
/// 408, 409, 429 and 5xx are tried again, `max_attempts` times in all, after a jittered exponential
/// back-off or what Retry-After asks for. A stream counts as an answer only when it says that it is
/// finished. When a stream breaks after text was handed on, the repeated answer must begin with
/// that text; otherwise the call fails rather than show a mixture. Usage that the endpoint does not
/// report is estimated (four bytes a token). `score_labels` asks for one token with its 20 most
/// likely alternatives; labels beyond them are nullopt. `ids` stay empty. The key comes from the
/// environment alone and stands in no message; redirects are not followed. Errors: kUnavailable,
/// kDeadline - the attempts are used up; kFailedPrecondition - key refused, or a
///         certificate; kNotFound - no such path or model; kInvalidArgument - the endpoint refuses
///         the request; kCorruptData - no completion in JSON; kUnsupported - raw prompts, log-probs
///         that the endpoint does not give. All name the endpoint's URL.
class RemoteModel : public ChatModel, public Scorer {
 public:
  /// Options of the spec: key-env=VARIABLE, concurrency=N, timeout=SECONDS, body=FILE.json (an
  /// object: further members of every request). Nothing is sent yet.
  /// Errors: kInvalidArgument - an option out of range, a URL with a user name in it; kNotFound -
  /// the
  ///         variable of key-env is not set.
  static Result<std::unique_ptr<RemoteModel>> open(const ModelSpec& spec);
  static Result<std::unique_ptr<RemoteModel>> open(const RemoteOptions& options);
  /// Cancels the calls under way; each `on_done` has been called on return.
  ~RemoteModel() override;

  [[nodiscard]] const std::string& name() const override;
  [[nodiscard]] std::string fingerprint() const override;
  [[nodiscard]] Capabilities capabilities() const override;
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override;

  /// kUnsupported: chat endpoints give no log-probabilities of a prompt's own text.
  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

 private:
  class Endpoint;
  explicit RemoteModel(std::unique_ptr<Endpoint> endpoint);
  std::unique_ptr<Endpoint> endpoint_;
};

}  // namespace cupel
