#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"

namespace cupel::store {

/// Price of a million tokens, in whatever currency the user thinks in.
struct Price {
  double prompt = 0;
  double completion = 0;
};

/// Reads `--price MODEL=IN/OUT`, e.g. "judge=0.15/0.60". Errors: kInvalidArgument with the form.
Result<std::pair<std::string, Price>> parse_price(std::string_view text);

/// What one model has used.
struct ModelCost {
  int64_t calls = 0;              ///< that the model really answered
  int64_t cached_calls = 0;       ///< that the call cache answered; they cost nothing
  int64_t prompt_tokens = 0;      ///< of `calls`
  int64_t completion_tokens = 0;  ///< of `calls`
  double seconds = 0;  ///< inside the model, summed over calls that may have run side by side
  double cost = 0;     ///< by its price; 0 without one
};

/// Counts tokens, seconds and money per model, and holds the budget. Thread-safe.
class CostLedger {
 public:
  explicit CostLedger(std::map<std::string, Price> prices = {},
                      std::optional<double> max_cost = std::nullopt)
      : prices_(std::move(prices)), max_cost_(max_cost) {}

  void add_call(const std::string& model, const Usage& usage, double seconds);
  void add_cached_call(const std::string& model);

  /// kExhausted when the budget is spent and the model costs anything. Calls that are under way
  /// when the last of it goes are let finish, so the total may exceed the budget by what they cost.
  [[nodiscard]] Result<Ok> check_budget(const std::string& model) const;

  [[nodiscard]] std::map<std::string, ModelCost> costs() const;
  [[nodiscard]] double total_cost() const;
  [[nodiscard]] bool has_price(const std::string& model) const { return prices_.contains(model); }
  /// {"models": {NAME: {"calls", "cached_calls", "prompt_tokens", "completion_tokens", "seconds",
  /// "cost"}}, "cost", "max_cost"}; max_cost is null without a budget.
  [[nodiscard]] Json to_json() const;

 private:
  const std::map<std::string, Price> prices_;
  const std::optional<double> max_cost_;
  mutable std::mutex mutex_;
  std::map<std::string, ModelCost> costs_;
  double total_ = 0;
};

/// Counts every call of a model in a ledger and refuses calls (kExhausted, through `on_done`) once
/// the budget is spent. Stands below the cache, so that cached answers stay free. Model and ledger
/// must outlive it.
class MeteredChatModel : public ChatModel {
 public:
  MeteredChatModel(ChatModel& model, CostLedger& ledger) : model_(model), ledger_(ledger) {}

  [[nodiscard]] const std::string& name() const override { return model_.name(); }
  [[nodiscard]] std::string fingerprint() const override { return model_.fingerprint(); }
  [[nodiscard]] Capabilities capabilities() const override { return model_.capabilities(); }
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override {
    return model_.count_prompt_tokens(request);
  }

 private:
  ChatModel& model_;
  CostLedger& ledger_;
};

/// The same for a scorer, under the model's name. Completion scores report no token counts of their
/// prompts; their completions' tokens are counted as prompt tokens.
class MeteredScorer : public Scorer {
 public:
  MeteredScorer(Scorer& scorer, std::string name, CostLedger& ledger)
      : scorer_(scorer), name_(std::move(name)), ledger_(ledger) {}

  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

 private:
  Scorer& scorer_;
  std::string name_;
  CostLedger& ledger_;
};

}  // namespace cupel::store
