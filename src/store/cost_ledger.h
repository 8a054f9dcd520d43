#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"

namespace cupel::store {

/// The model behind a scorer, which has neither itself.
struct ModelIdentity {
  std::string name;
  std::string fingerprint;
};

/// Price of a million tokens, in whatever currency the user thinks in.
struct Price {
  double prompt = 0;
  double completion = 0;

  [[nodiscard]] double of(const Usage& usage) const;
  [[nodiscard]] bool is_free() const { return prompt == 0 && completion == 0; }
};

/// Reads `--price MODEL=IN/OUT`, e.g. "judge=0.15/0.60". Errors: kInvalidArgument with the form.
Result<std::pair<std::string, Price>> parse_price(std::string_view text);
/// Reads `--max-cost X`, a number of at least 0. Errors: kInvalidArgument.
Result<double> parse_max_cost(std::string_view text);

/// What a response used, as prices count it. A label score counts one completion token for each
/// prompt; completion scores report no token counts of their prompt, so their completions' tokens
/// stand for prompt tokens.
Usage usage_of(const LabelScoreResponse& response);
Usage usage_of(const std::vector<CompletionScore>& scores);

/// What the calls to one model took.
struct ModelCost {
  int64_t calls = 0;              ///< that the model really answered
  int64_t cached_calls = 0;       ///< whose answer was there already; they cost nothing
  int64_t prompt_tokens = 0;      ///< of `calls`
  int64_t completion_tokens = 0;  ///< of `calls`
  std::optional<double> cost;     ///< of `calls`; absent for a model without a price

  void add_call(const Usage& usage, const Price* price);
};

/// Counts tokens and money per model, and holds the budget. Thread-safe.
///
/// A call is known by its id (`CallKey::id`; empty for calls that cannot be cached): its answer may
/// be used many times, but is paid for once.
class CostLedger {
 public:
  explicit CostLedger(std::map<std::string, Price> prices = {},
                      std::optional<double> max_cost = std::nullopt)
      : prices_(std::move(prices)), max_cost_(max_cost) {}

  /// A call that the model answered.
  void add_call(const std::string& model, const std::string& id, const Usage& usage);
  /// A call whose answer was there already, in the cache or in a row of the run. Free, unless its
  /// id is new here: then an earlier process paid for it, which counts.
  void add_known_call(const std::string& model, const std::string& id, const Usage& usage);

  /// kExhausted when the budget is spent and the model costs anything. Calls that are under way
  /// when the last of it goes are let finish, so the total may exceed the budget by what they cost.
  [[nodiscard]] Result<Ok> check_budget(const std::string& model) const;
  [[nodiscard]] bool budget_is_spent() const;

  [[nodiscard]] std::map<std::string, ModelCost> costs() const;
  [[nodiscard]] double total_cost() const;
  [[nodiscard]] std::optional<double> max_cost() const { return max_cost_; }

 private:
  [[nodiscard]] const Price* price_of(const std::string& model) const;
  void count(const std::string& model, const Usage& usage);

  const std::map<std::string, Price> prices_;
  const std::optional<double> max_cost_;
  mutable std::mutex mutex_;
  std::map<std::string, ModelCost> costs_;
  std::set<std::string> paid_;  // ids
  double total_ = 0;
};

/// Counts every call of a model in a ledger and refuses calls (kExhausted, through `on_done`) once
/// the budget is spent. Stands below the cache, so that cached answers stay free. Model and ledger
/// must outlive it.
class MeteredChatModel : public ChatModel {
 public:
  MeteredChatModel(ChatModel& model, CostLedger& ledger)
      : model_(model), fingerprint_(model.fingerprint()), ledger_(ledger) {}

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
  CostLedger& ledger_;
};

/// The same for a scorer, under the name of the model behind it.
class MeteredScorer : public Scorer {
 public:
  MeteredScorer(Scorer& scorer, ModelIdentity identity, CostLedger& ledger)
      : scorer_(scorer), identity_(std::move(identity)), ledger_(ledger) {}

  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

 private:
  Scorer& scorer_;
  ModelIdentity identity_;
  CostLedger& ledger_;
};

}  // namespace cupel::store
