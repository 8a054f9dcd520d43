#include "store/cached_models.h"

#include "base/error.h"
#include "base/log.h"
#include "store/call_codec.h"

namespace cupel::store {
namespace {

class FinishedCall : public ChatCall {};

// Files a response. The work is done and may have cost money: a cache that cannot be written is no
// reason to lose it.
void file_response(CallCache& cache, const CallKey& key, const std::optional<Json>& response) {
  static std::atomic<bool> warned = false;  // once per process, whichever cache it is
  if (!response) {
    return;
  }
  if (auto written = cache.put(key, *response); !written && !warned.exchange(true)) {
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

void count_cached(CostLedger* ledger, const std::string& model) {
  if (ledger != nullptr) {
    ledger->add_cached_call(model);
  }
}

}  // namespace

CachedChatModel::CachedChatModel(ChatModel& model,
                                 std::shared_ptr<CallCache> cache,
                                 CostLedger* ledger)
    : model_(model), fingerprint_(model.fingerprint()), cache_(std::move(cache)), ledger_(ledger) {}

std::shared_ptr<ChatCall> CachedChatModel::submit(ChatRequest request, ChatSink sink) {
  const auto encoded = encode_request(request);
  if (!encoded) {
    return model_.submit(std::move(request), std::move(sink));
  }
  CallKey key = {fingerprint_, *encoded, request.sample_index};
  auto found = find_response<ChatResponse>(*cache_, key, &decode_chat_response);
  if (!found) {
    sink.on_done(std::move(found).error());
    return std::make_shared<FinishedCall>();
  }
  if (*found) {
    ChatResponse response = std::move(**found);
    response.from_cache = true;
    count_cached(ledger_, name());
    if (sink.on_delta) {
      sink.on_delta(response.text);
    }
    sink.on_done(std::move(response));
    return std::make_shared<FinishedCall>();
  }
  auto on_done = [cache = cache_, key = std::move(key),
                  done = std::move(sink.on_done)](Result<ChatResponse> response) {
    if (response && response->finish_reason != FinishReason::kCancelled) {
      file_response(*cache, key, encode_response(*response));
    }
    done(std::move(response));
  };
  return model_.submit(std::move(request),
                       {.on_delta = std::move(sink.on_delta), .on_done = std::move(on_done)});
}

CachedScorer::CachedScorer(Scorer& scorer,
                           Identity identity,
                           std::shared_ptr<CallCache> cache,
                           CostLedger* ledger)
    : scorer_(scorer), identity_(std::move(identity)), cache_(std::move(cache)), ledger_(ledger) {}

Result<std::vector<CompletionScore>> CachedScorer::score(const CompletionScoreRequest& request) {
  const auto encoded = encode_request(request);
  if (!encoded) {
    return scorer_.score(request);
  }
  const CallKey key = {identity_.fingerprint, *encoded, 0};
  CUPEL_TRY(auto found, find_response(*cache_, key, &decode_completion_scores));
  if (found) {
    count_cached(ledger_, identity_.name);
    return std::move(*found);
  }
  CUPEL_TRY(auto response, scorer_.score(request));
  file_response(*cache_, key, encode_response(response));
  return response;
}

Result<LabelScoreResponse> CachedScorer::score_labels(const LabelScoreRequest& request) {
  const auto encoded = encode_request(request);
  if (!encoded) {
    return scorer_.score_labels(request);
  }
  const CallKey key = {identity_.fingerprint, *encoded, 0};
  CUPEL_TRY(auto found, find_response(*cache_, key, &decode_label_response));
  if (found) {
    count_cached(ledger_, identity_.name);
    return std::move(*found);
  }
  CUPEL_TRY(auto response, scorer_.score_labels(request));
  file_response(*cache_, key, encode_response(response));
  return response;
}

}  // namespace cupel::store
