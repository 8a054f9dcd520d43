#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"
#include "store/call_cache.h"
#include "store/cost_ledger.h"

namespace cupel::store {

/// Answers what was asked before from the call cache, and files what was not.
///
/// Only whole answers are kept: no failures, no cancelled calls. A cached answer is handed to
/// `on_delta` in one piece and carries `from_cache`. Of equal calls at the same time one is made,
/// and the others are given its answer as a cached one. When an answer cannot be filed it is given
/// all the same, and one warning says so (a full disk stops whatever else writes there, and needs
/// none); a damaged cache fails the call. The model must outlive this, and this its calls; cached
/// calls are counted in `ledger` when there is one.
class CachedChatModel : public ChatModel {
 public:
  CachedChatModel(ChatModel& model, std::shared_ptr<CallCache> cache, CostLedger* ledger = nullptr);

  [[nodiscard]] const std::string& name() const override { return model_.name(); }
  [[nodiscard]] std::string fingerprint() const override { return fingerprint_; }
  [[nodiscard]] Capabilities capabilities() const override { return model_.capabilities(); }
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override {
    return model_.count_prompt_tokens(request);
  }

 private:
  class Call;
  void ask(const std::shared_ptr<Call>& call);
  void make(const std::shared_ptr<Call>& call);

  ChatModel& model_;
  std::string fingerprint_;
  std::shared_ptr<CallCache> cache_;
  CostLedger* ledger_;
};

/// The same for a scorer.
class CachedScorer : public Scorer {
 public:
  CachedScorer(Scorer& scorer,
               ModelIdentity identity,
               std::shared_ptr<CallCache> cache,
               CostLedger* ledger = nullptr);

  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

 private:
  template <typename Response, typename Request, typename Decode, typename Make>
  Result<Response> answer(const Request& request, Decode decode, Make make);

  Scorer& scorer_;
  ModelIdentity identity_;
  std::shared_ptr<CallCache> cache_;
  CostLedger* ledger_;
};

}  // namespace cupel::store
