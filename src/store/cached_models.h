#pragma once

#include <atomic>
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
/// `on_delta` in one piece, carries `from_cache`, and arrives before `submit` returns. When an
/// answer cannot be filed (disk full, folder read-only) it is given all the same, and one warning
/// says so; a damaged cache fails the call. The model must outlive this; cached calls are counted
/// in `ledger` when there is one.
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
  ChatModel& model_;
  std::string fingerprint_;
  std::shared_ptr<CallCache> cache_;
  CostLedger* ledger_;
};

/// The same for a scorer. `fingerprint` is that of the model behind it, `name` its name in the
/// ledger.
class CachedScorer : public Scorer {
 public:
  struct Identity {
    std::string name;
    std::string fingerprint;
  };
  CachedScorer(Scorer& scorer,
               Identity identity,
               std::shared_ptr<CallCache> cache,
               CostLedger* ledger = nullptr);

  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

 private:
  Scorer& scorer_;
  Identity identity_;
  std::shared_ptr<CallCache> cache_;
  CostLedger* ledger_;
};

}  // namespace cupel::store
