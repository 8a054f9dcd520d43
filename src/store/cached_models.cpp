#include "store/cached_models.h"

#include <atomic>
#include <future>
#include <mutex>

#include "base/error.h"
#include "base/log.h"
#include "store/call_codec.h"

namespace cupel::store {
namespace {

// Files a response. The work is done and may have cost money: a cache that cannot be written is no
// reason to lose it.
void file_response(CallCache& cache, const CallKey& key, const std::optional<Json>& response) {
  static std::atomic<bool> warned = false;  // once per process, whichever cache it is
  if (!response) {
    return;
  }
  const auto written = cache.put(key, *response);
  if (!written && written.error().code != Code::kExhausted && !warned.exchange(true)) {
    log_warning("answers are not cached: {}", written.error().message);
  }
}

// What the cache holds under a key, decoded; nullopt when nothing.
template <typename Response>
Result<std::optional<Response>> find_response(CallCache& cache,
                                              const CallKey& key,
                                              Result<Response> (*decode)(const Json&)) {
  CUPEL_TRY(const std::optional<Json> found, cache.find(key));
  if (!found) {
    return std::optional<Response>();
  }
  auto response = decode(*found);
  if (!response) {
    return in_file(std::move(response).error(), cache.path());
  }
  return std::optional<Response>(std::move(*response));
}

// Blocks until the caller may make the call: at once, or when an equal one has ended.
void begin_or_wait(CallsInFlight& calls, const std::string& id) {
  while (true) {
    const auto ended = std::make_shared<std::promise<void>>();
    if (calls.begin(id, [ended] { ended->set_value(); })) {
      return;
    }
    ended->get_future().wait();
  }
}

// Says that a call has ended, however it does.
class EndOfCall {
 public:
  EndOfCall(CallsInFlight& calls, const std::string& id) : calls_(calls), id_(id) {}
  ~EndOfCall() { calls_.finish(id_); }
  EndOfCall(const EndOfCall&) = delete;
  EndOfCall& operator=(const EndOfCall&) = delete;

 private:
  CallsInFlight& calls_;
  const std::string& id_;
};

}  // namespace

// One call on its way: it finds its answer, waits for an equal call, or is made.
class CachedChatModel::Call : public ChatCall {
 public:
  Call(CallKey given_key, ChatRequest given_request, ChatSink given_sink)
      : key(std::move(given_key)),
        id(key.id()),
        request(std::move(given_request)),
        sink(std::move(given_sink)) {}

  void cancel() override {
    ChatCall::cancel();
    const std::lock_guard lock(mutex_);
    if (made_ != nullptr) {
      made_->cancel();
    }
  }
  void set_made(std::shared_ptr<ChatCall> made) {
    const std::lock_guard lock(mutex_);
    if (ended_) {
      return;
    }
    made_ = std::move(made);
    if (cancelled()) {
      made_->cancel();
    }
  }
  // The model's call may hold on to its sink, and that to this: the circle ends here.
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    made_.reset();
  }

  const CallKey key;
  const std::string id;
  ChatRequest request;
  ChatSink sink;

 private:
  std::mutex mutex_;
  bool ended_ = false;
  std::shared_ptr<ChatCall> made_;  // by the model
};

CachedChatModel::CachedChatModel(ChatModel& model,
                                 std::shared_ptr<CallCache> cache,
                                 CostLedger* ledger)
    : model_(model), fingerprint_(model.fingerprint()), cache_(std::move(cache)), ledger_(ledger) {}

std::shared_ptr<ChatCall> CachedChatModel::submit(ChatRequest request, ChatSink sink) {
  auto key = call_key(fingerprint_, request);
  if (!key) {
    return model_.submit(std::move(request), std::move(sink));
  }
  const auto call = std::make_shared<Call>(std::move(*key), std::move(request), std::move(sink));
  ask(call);
  return call;
}

void CachedChatModel::ask(const std::shared_ptr<Call>& call) {
  if (!cache_->in_flight().begin(call->id, [this, call] { ask(call); })) {
    return;
  }
  auto found = find_response<ChatResponse>(*cache_, call->key, &decode_chat_response);
  if (found && !*found && !call->cancelled()) {
    make(call);
    return;
  }
  cache_->in_flight().finish(call->id);
  if (!found) {
    call->sink.on_done(std::move(found).error());
    return;
  }
  if (!*found) {
    call->sink.on_done(cancelled("the call was cancelled while it waited for an equal one"));
    return;
  }
  ChatResponse response = std::move(**found);
  response.from_cache = true;
  if (ledger_ != nullptr) {
    ledger_->add_known_call(name(), call->id, response.usage);
  }
  if (call->sink.on_delta) {
    call->sink.on_delta(response.text);
  }
  call->sink.on_done(std::move(response));
}

void CachedChatModel::make(const std::shared_ptr<Call>& call) {
  // Nothing of this object: once the last call is done, its owner may go.
  auto on_done = [cache = cache_, call](Result<ChatResponse> response) {
    call->end();
    if (response && response->finish_reason != FinishReason::kCancelled) {
      file_response(*cache, call->key, encode_response(*response));
    }
    call->sink.on_done(std::move(response));
    cache->in_flight().finish(call->id);
  };
  call->set_made(
      model_.submit(std::move(call->request),
                    {.on_delta = std::move(call->sink.on_delta), .on_done = std::move(on_done)}));
}

CachedScorer::CachedScorer(Scorer& scorer,
                           ModelIdentity identity,
                           std::shared_ptr<CallCache> cache,
                           CostLedger* ledger)
    : scorer_(scorer), identity_(std::move(identity)), cache_(std::move(cache)), ledger_(ledger) {}

template <typename Response, typename Request, typename Decode, typename Make>
Result<Response> CachedScorer::answer(const Request& request, Decode decode, Make make) {
  const auto key = call_key(identity_.fingerprint, request);
  if (!key) {
    return make(request);
  }
  const std::string id = key->id();
  begin_or_wait(cache_->in_flight(), id);
  const EndOfCall end(cache_->in_flight(), id);
  CUPEL_TRY(auto found, find_response<Response>(*cache_, *key, decode));
  if (found) {
    if (ledger_ != nullptr) {
      ledger_->add_known_call(identity_.name, id, usage_of(*found));
    }
    return std::move(*found);
  }
  CUPEL_TRY(auto response, make(request));
  file_response(*cache_, *key, encode_response(response));
  return response;
}

Result<std::vector<CompletionScore>> CachedScorer::score(const CompletionScoreRequest& request) {
  return answer<std::vector<CompletionScore>>(request, &decode_completion_scores,
                                              [this](const auto& r) { return scorer_.score(r); });
}

Result<LabelScoreResponse> CachedScorer::score_labels(const LabelScoreRequest& request) {
  return answer<LabelScoreResponse>(request, &decode_label_response,
                                    [this](const auto& r) { return scorer_.score_labels(r); });
}

}  // namespace cupel::store
