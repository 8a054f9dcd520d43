#include "core/remote_model.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/http_client.h"
#include "base/io.h"
#include "base/rng.h"
#include "base/sse.h"
#include "base/text.h"
#include "core/openai_chat.h"

namespace cupel {
namespace {

constexpr std::string_view kDefaultKeyEnv = "OPENAI_API_KEY";
constexpr int64_t kMaxConcurrency = 256;
constexpr size_t kMaxAnswerBytes = 64U << 20U;

bool is_retried(Code code) {
  return code == Code::kUnavailable || code == Code::kDeadline;
}

bool is_retried_status(int64_t status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

int64_t estimate_prompt_tokens(const ChatRequest& request) {
  size_t bytes = request.raw_prompt ? request.raw_prompt->size() : 0;
  for (const Message& message : request.messages) {
    bytes += message.text().size();
  }
  return static_cast<int64_t>(bytes / 4);
}

// "http://host/v1?x=y" → "http://host/v1/chat/completions?x=y"
std::string completions_url(std::string_view url) {
  const size_t query = std::min(url.find('?'), url.size());
  std::string_view path = url.substr(0, query);
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return std::string(path) + "/chat/completions" + std::string(url.substr(query));
}

Result<Ok> check_options(const RemoteOptions& o) {
  if (!o.url.starts_with("http://") && !o.url.starts_with("https://")) {
    return invalid_argument("{}: an endpoint's URL must start with http:// or https://", o.name);
  }
  const std::string_view rest = std::string_view(o.url).substr(o.url.find("://") + 3);
  if (rest.substr(0, rest.find_first_of("/?#")).find('@') != std::string_view::npos) {
    return invalid_argument(
        "{}: the URL holds a user name; put the key in an environment variable and name it with "
        "key-env=VARIABLE",
        o.name);
  }
  if (o.model.empty() || o.concurrency < 1 || o.concurrency > kMaxConcurrency ||
      o.max_attempts < 1 || !(o.timeout_s > 0)) {
    return invalid_argument(
        "{}: an endpoint needs a model id, a concurrency of 1 to {}, at least 1 attempt and a "
        "time limit above 0",
        o.name, kMaxConcurrency);
  }
  return Ok{};
}

Result<Json> read_body(const std::string& path) {
  CUPEL_TRY(Json body, read_json_file(path));
  if (!body.is_object()) {
    return corrupt_data("{}: holds {}; expected an object, the further members of every request",
                        path, body.type_name());
  }
  return body;
}

Result<std::string> read_key(const RemoteOptions& options) {
  const bool named = !options.key_env.empty();
  const std::string variable = named ? options.key_env : std::string(kDefaultKeyEnv);
  const char* value = std::getenv(variable.c_str());
  const std::string_view key = value == nullptr ? std::string_view() : trim(value);
  if (named && key.empty()) {
    return not_found("{}: the environment variable {} is not set; it should hold the API key",
                     options.name, variable);
  }
  return std::string(key);
}

// Waits for many calls: their usage in sum, or the first failure, upon which the others are
// cancelled.
class Gathering {
 public:
  [[nodiscard]] bool failed() const {
    const std::lock_guard lock(mutex_);
    return error_.has_value();
  }

  void add(Result<ChatResponse> result) {
    const std::lock_guard lock(mutex_);
    ++finished_;
    if (result) {
      usage_.prompt_tokens += result->usage.prompt_tokens;
      usage_.cached_tokens += result->usage.cached_tokens;
    } else if (!error_) {
      error_ = std::move(result).error();
    }
    changed_.notify_all();  // under the lock: the waiter may destroy this at once
  }

  Result<Usage> wait(std::span<const std::shared_ptr<ChatCall>> calls) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || finished_ == calls.size(); });
    if (error_) {
      lock.unlock();
      for (const auto& call : calls) {
        call->cancel();
      }
      lock.lock();
      changed_.wait(lock, [&] { return finished_ == calls.size(); });
      return *error_;
    }
    return usage_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t finished_ = 0;
  Usage usage_;
  std::optional<Error> error_;
};

}  // namespace

// The connection that a model's calls share.
class RemoteModel::Endpoint {
 public:
  class Exchange;
  using Interpret = std::function<Result<ChatResponse>(const Json& completion)>;

  Endpoint(RemoteOptions options, std::string key);
  std::shared_ptr<Exchange> start(const ChatRequest& request, ChatSink sink, Interpret interpret);

  [[nodiscard]] HttpRequest http_request(const std::string& body, double delay_s) const;
  [[nodiscard]] double wait_before_retry(int64_t attempt, const HttpResponse* response);
  [[nodiscard]] Error status_error(const HttpResponse& response) const;
  [[nodiscard]] Error not_json(std::string_view content_type, std::string_view body) const;
  /// A failure's text without the key and the URL's query, should the endpoint have echoed them.
  /// Answers stay as they are.
  [[nodiscard]] std::string without_key(std::string_view text) const;
  [[nodiscard]] std::string clean(const std::string& json) const {
    return json.find("\"error\"") == std::string::npos ? json : without_key(json);
  }

  RemoteOptions options;
  std::string shown_url;  // without query, which may hold secrets

 private:
  std::string key_;
  std::string url_;
  uint64_t jitter_seed_;
  std::atomic<uint64_t> jitter_draws_ = 0;

 public:
  HttpClient client;  // last: its destructor calls back into what stands above
};

// One call: its attempts, one after the other. Its callbacks run on the client's thread.
class RemoteModel::Endpoint::Exchange : public ChatCall,
                                        public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Endpoint& endpoint, ChatSink sink, Interpret interpret)
      : endpoint_(endpoint), sink_(std::move(sink)), interpret_(std::move(interpret)) {}

  void cancel() override;
  void start(const ChatRequest& request);

 private:
  void attempt(double delay_s);
  void remember(int64_t attempt, std::shared_ptr<HttpCall> call);
  bool take_piece(std::string_view piece);
  bool take_event(const SseEvent& event);
  Result<Ok> show(std::string_view delta);
  void finish_attempt(Result<HttpResponse> result);
  Result<ChatResponse> read_answer(const Result<HttpResponse>& result);
  Result<ChatResponse> read_stream(const Result<HttpResponse>& result);
  Result<ChatResponse> read_completion(std::string_view content_type, const std::string& body);
  void complete(ChatResponse response, const Result<HttpResponse>& result);
  void fail(Error error);

  Endpoint& endpoint_;
  ChatSink sink_;
  Interpret interpret_;
  std::string body_;
  bool streamed_ = false;
  bool wants_logprobs_ = false;
  int64_t estimated_prompt_tokens_ = 0;

  int64_t attempts_ = 0;
  std::string shown_;      // what on_delta has been given, over all attempts
  bool diverged_ = false;  // a repeated answer does not begin with it: trying again cannot help

  // Of the attempt at hand.
  SseParser parser_;
  OpenAiStream stream_;
  std::string raw_;  // what came as long as no event was seen: JSON or HTML, perhaps
  bool any_event_ = false;
  std::optional<Error> stream_error_;

  std::mutex mutex_;
  std::shared_ptr<HttpCall> call_;  // guarded by mutex_
  int64_t call_attempt_ = 0;        // guarded by mutex_
};

RemoteModel::Endpoint::Endpoint(RemoteOptions o, std::string key)
    : options(std::move(o)),
      key_(std::move(key)),
      url_(completions_url(options.url)),
      jitter_seed_(static_cast<uint64_t>(unix_seconds() * 1e6)),
      client(static_cast<size_t>(options.concurrency)) {
  shown_url = url_.substr(0, url_.find('?'));
}

std::shared_ptr<RemoteModel::Endpoint::Exchange> RemoteModel::Endpoint::start(
    const ChatRequest& request, ChatSink sink, Interpret interpret) {
  auto exchange = std::make_shared<Exchange>(*this, std::move(sink), std::move(interpret));
  exchange->start(request);
  return exchange;
}

HttpRequest RemoteModel::Endpoint::http_request(const std::string& body, double delay_s) const {
  HttpRequest request;
  request.method = "POST";
  request.url = url_;
  request.headers = {{"Content-Type", "application/json"}};
  if (!key_.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + key_);
  }
  request.body = body;
  request.delay_s = delay_s;
  request.connect_timeout_s = options.connect_timeout_s;
  request.total_timeout_s = options.timeout_s;
  request.idle_timeout_s = options.idle_timeout_s;
  request.max_body_bytes = kMaxAnswerBytes;
  return request;
}

double RemoteModel::Endpoint::wait_before_retry(int64_t attempt, const HttpResponse* response) {
  const double unit = random_unit(jitter_seed_, 0, jitter_draws_++);
  if (response != nullptr) {
    if (const auto asked = parse_retry_after(response->header("retry-after"), unix_seconds())) {
      return std::min(*asked, options.max_retry_after_s) + unit * options.backoff_s;
    }
  }
  const double doubled = options.backoff_s * std::exp2(static_cast<double>(attempt - 1));
  return std::min(options.max_backoff_s, doubled) * (1 - unit / 2);
}

std::string RemoteModel::Endpoint::without_key(std::string_view text) const {
  // Stand-ins such as "none" or "EMPTY" are no secrets, and replacing them would garble messages.
  constexpr size_t kShortestSecret = 8;
  std::string safe(text);
  if (key_.size() >= kShortestSecret) {
    safe = replace_all(std::move(safe), key_, "[key]");
  }
  const std::string query = url_.substr(shown_url.size());
  return query.size() < kShortestSecret ? safe : replace_all(std::move(safe), query, "?[query]");
}

Error RemoteModel::Endpoint::status_error(const HttpResponse& response) const {
  const int64_t status = response.status;
  const std::string said =
      format("HTTP {}: {}", status, openai_error_text(without_key(response.body)));
  const std::string variable =
      options.key_env.empty() ? std::string(kDefaultKeyEnv) : options.key_env;
  if (is_retried_status(status)) {
    return unavailable("{}", said);
  }
  if (status == 401 || status == 403) {
    return failed_precondition("{}; {}", said,
                               key_.empty() ? "no key was sent: set " + variable +
                                                  " or name a variable with key-env=VARIABLE"
                                            : "check the API key in " + variable);
  }
  if (status == 404) {
    return not_found("{}; check the model id \"{}\" and the URL (it often ends in /v1)", said,
                     options.model);
  }
  if (status >= 300 && status < 400) {
    return invalid_argument("HTTP {}: redirected to {}; name that address in the model spec",
                            status, printable(response.header("location"), 120));
  }
  return invalid_argument("{}", said);
}

Error RemoteModel::Endpoint::not_json(std::string_view content_type, std::string_view body) const {
  return corrupt_data(
      "expected JSON, got {} \"{}\"; is this an OpenAI-compatible API (the URL often ends in /v1)?",
      content_type.empty() ? "" : printable(content_type, 40),
      printable(trim(without_key(body)), 80));
}

void RemoteModel::Endpoint::Exchange::cancel() {
  ChatCall::cancel();
  std::shared_ptr<HttpCall> call;
  {
    const std::lock_guard lock(mutex_);
    call = call_;
  }
  if (call != nullptr) {
    call->cancel();
  }
}

void RemoteModel::Endpoint::Exchange::start(const ChatRequest& request) {
  streamed_ = static_cast<bool>(sink_.on_delta);
  wants_logprobs_ = request.logprobs;
  estimated_prompt_tokens_ = estimate_prompt_tokens(request);
  auto body = openai_request_body(request, endpoint_.options.model, endpoint_.options.extra_body,
                                  streamed_);
  if (!body) {
    fail(std::move(body).error());
    return;
  }
  body_ = dump_json(*body);
  attempt(0);
}

void RemoteModel::Endpoint::Exchange::attempt(double delay_s) {
  parser_ = SseParser();
  stream_ = OpenAiStream();
  raw_.clear();
  any_event_ = false;
  stream_error_.reset();
  const int64_t number = ++attempts_;
  HttpHandlers handlers;
  const auto self = shared_from_this();
  if (streamed_) {
    handlers.on_body = [self](std::string_view piece) { return self->take_piece(piece); };
  }
  handlers.on_done = [self](Result<HttpResponse> result) {
    self->finish_attempt(std::move(result));
  };
  remember(number,
           endpoint_.client.send(endpoint_.http_request(body_, delay_s), std::move(handlers)));
}

// The next attempt may have begun on the client's thread before this one's call is known here.
void RemoteModel::Endpoint::Exchange::remember(int64_t attempt, std::shared_ptr<HttpCall> call) {
  {
    const std::lock_guard lock(mutex_);
    if (attempt < call_attempt_) {
      return;
    }
    call_attempt_ = attempt;
    call_ = call;
  }
  if (cancelled()) {
    call->cancel();
  }
}

bool RemoteModel::Endpoint::Exchange::take_piece(std::string_view piece) {
  if (!any_event_) {
    raw_ += piece;
  }
  auto read = parser_.push(piece, [this](const SseEvent& event) { return take_event(event); });
  if (!read) {
    stream_error_ = std::move(read).error();
  }
  return !stream_error_;
}

bool RemoteModel::Endpoint::Exchange::take_event(const SseEvent& event) {
  any_event_ = true;
  raw_.clear();
  auto delta = stream_.push(endpoint_.clean(event.data));
  if (!delta) {
    stream_error_ = std::move(delta).error();
    return false;
  }
  if (auto shown = show(*delta); !shown) {
    stream_error_ = std::move(shown).error();
    return false;
  }
  return true;
}

// Hands on what goes beyond the text that an earlier attempt has shown.
Result<Ok> RemoteModel::Endpoint::Exchange::show(std::string_view delta) {
  const std::string& text = stream_.response().text;
  if (delta.empty()) {
    return Ok{};
  }
  const size_t common = std::min(text.size(), shown_.size());
  if (std::string_view(text).substr(0, common) != std::string_view(shown_).substr(0, common)) {
    diverged_ = true;
    return unavailable(
        "the stream broke after {} bytes, and the repeated answer differs from what was shown",
        shown_.size());
  }
  if (text.size() > shown_.size()) {
    const std::string fresh = text.substr(shown_.size());
    shown_ = text;
    sink_.on_delta(fresh);
  }
  return Ok{};
}

void RemoteModel::Endpoint::Exchange::finish_attempt(Result<HttpResponse> result) {
  Result<ChatResponse> answer = guard([&] { return read_answer(result); });
  if (answer && wants_logprobs_ && answer->logprobs.empty() && !answer->text.empty()) {
    answer = unsupported("the endpoint gives no log-probabilities, though they were asked for");
  }
  if (answer) {
    complete(std::move(*answer), result);
    return;
  }
  if (cancelled() || diverged_ || !is_retried(answer.error().code) ||
      attempts_ >= endpoint_.options.max_attempts) {
    fail(std::move(answer).error());
    return;
  }
  attempt(endpoint_.wait_before_retry(attempts_, result ? &result.value() : nullptr));
}

Result<ChatResponse> RemoteModel::Endpoint::Exchange::read_answer(
    const Result<HttpResponse>& result) {
  if (result && result->status / 100 != 2) {
    return endpoint_.status_error(*result);
  }
  if (streamed_) {
    return read_stream(result);
  }
  if (!result) {
    return result.error();
  }
  return read_completion(result->header("content-type"), result->body);
}

Result<ChatResponse> RemoteModel::Endpoint::Exchange::read_stream(
    const Result<HttpResponse>& result) {
  if (stream_.done() && !stream_error_) {
    return stream_.response();
  }
  if (stream_error_ && (any_event_ || stream_error_->code == Code::kExhausted)) {
    return *stream_error_;
  }
  if (!result) {
    return result.error();
  }
  if (!any_event_ && !trim(raw_).empty() && !raw_.starts_with("data")) {  // no stream after all
    CUPEL_TRY(ChatResponse response, read_completion(result->header("content-type"), raw_));
    sink_.on_delta(response.text);
    return response;
  }
  CUPEL_TRY_VOID(parser_.finish([this](const SseEvent& event) { return take_event(event); }));
  if (stream_.complete() && !stream_error_) {
    return stream_.response();
  }
  return unavailable("the stream ended before the answer was complete");
}

Result<ChatResponse> RemoteModel::Endpoint::Exchange::read_completion(std::string_view content_type,
                                                                      const std::string& body) {
  const auto json = parse_json(endpoint_.clean(body));
  if (!json) {
    return endpoint_.not_json(content_type, body);
  }
  return interpret_(*json);
}

void RemoteModel::Endpoint::Exchange::complete(ChatResponse response,
                                               const Result<HttpResponse>& result) {
  if (response.usage.prompt_tokens == 0) {
    response.usage.prompt_tokens = estimated_prompt_tokens_;
  }
  if (response.usage.completion_tokens == 0) {
    response.usage.completion_tokens = static_cast<int64_t>((response.text.size() + 3) / 4);
  }
  if (result) {
    response.timings.prefill_s = streamed_ ? result->first_byte_s : 0;
    response.timings.decode_s = result->seconds - response.timings.prefill_s;
  }
  sink_.on_done(std::move(response));
}

void RemoteModel::Endpoint::Exchange::fail(Error error) {
  error.message = endpoint_.without_key(error.message);
  if (attempts_ > 1) {
    error.message += format(" (tried {} times)", attempts_);
  }
  sink_.on_done(cancelled() ? cupel::cancelled("{}: the call was cancelled", endpoint_.shown_url)
                            : in_context(std::move(error), endpoint_.shown_url));
}

RemoteModel::RemoteModel(std::unique_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}
RemoteModel::~RemoteModel() = default;

Result<std::unique_ptr<RemoteModel>> RemoteModel::open(const ModelSpec& spec) {
  RemoteOptions options;
  options.name = spec.name;
  options.url = spec.url;
  options.model = spec.target;
  options.key_env = spec.option("key-env");
  CUPEL_TRY(options.concurrency,
            integer_option(spec, "concurrency", 1, kMaxConcurrency, options.concurrency));
  CUPEL_TRY(options.timeout_s, number_option(spec, "timeout", 0.001, 86400, options.timeout_s));
  options.connect_timeout_s = std::min(options.connect_timeout_s, options.timeout_s);
  if (spec.has("body")) {
    CUPEL_TRY(options.extra_body, read_body(std::string(spec.option("body"))));
  }
  return open(options);
}

Result<std::unique_ptr<RemoteModel>> RemoteModel::open(const RemoteOptions& options) {
  CUPEL_TRY_VOID(check_options(options));
  CUPEL_TRY(std::string key, read_key(options));
  return std::unique_ptr<RemoteModel>(
      new RemoteModel(std::make_unique<Endpoint>(options, std::move(key))));
}

const std::string& RemoteModel::name() const {
  return endpoint_->options.name;
}

std::string RemoteModel::fingerprint() const {
  const RemoteOptions& o = endpoint_->options;
  return cupel::fingerprint("openai\n" + o.url + "\n" + o.model + "\n" + dump_json(o.extra_body));
}

Capabilities RemoteModel::capabilities() const {
  return {.chat = true,
          .logprobs = true,
          .streaming = true,
          .parallel_calls = endpoint_->options.concurrency};
}

std::shared_ptr<ChatCall> RemoteModel::submit(ChatRequest request, ChatSink sink) {
  return endpoint_->start(request, std::move(sink), &parse_openai_completion);
}

Result<int64_t> RemoteModel::count_prompt_tokens(const ChatRequest& request) const {
  return estimate_prompt_tokens(request);
}

Result<std::vector<CompletionScore>> RemoteModel::score(const CompletionScoreRequest& /*request*/) {
  return unsupported(
      "{}: a chat endpoint gives no log-probabilities of a given text; score with a GGUF file",
      endpoint_->shown_url);
}

Result<LabelScoreResponse> RemoteModel::score_labels(const LabelScoreRequest& request) {
  for (size_t i = 0; i < request.labels.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (fold_label(request.labels[i]) == fold_label(request.labels[j])) {
        return unsupported("labels \"{}\" and \"{}\" differ in case or blanks only",
                           request.labels[j], request.labels[i]);
      }
    }
  }
  const Stopwatch watch;
  LabelScoreResponse response;
  response.scores.resize(request.prompts.size());
  Gathering gathering;
  std::vector<std::shared_ptr<ChatCall>> calls;
  for (size_t i = 0; i < request.prompts.size() && !gathering.failed(); ++i) {
    auto interpret = [&, i](const Json& completion) -> Result<ChatResponse> {
      CUPEL_TRY(response.scores[i], parse_openai_labels(completion, request.labels));
      return parse_openai_completion(completion);
    };
    calls.push_back(endpoint_->start(
        openai_label_request(request.prompts[i]),
        {.on_delta = {},
         .on_done = [&](Result<ChatResponse> result) { gathering.add(std::move(result)); }},
        std::move(interpret)));
  }
  const std::stop_callback cancel(request.stop, [&calls] {
    for (const auto& call : calls) {
      call->cancel();
    }
  });
  CUPEL_TRY(const Usage usage, gathering.wait(calls));
  response.prompt_tokens = usage.prompt_tokens;
  response.cached_tokens = usage.cached_tokens;
  response.seconds = watch.seconds();
  return response;
}

}  // namespace cupel
