#include "store/cost_ledger.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "store/call_codec.h"

namespace cupel::store {
namespace {

constexpr double kTokensPerPrice = 1e6;

std::optional<double> parse_amount(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const bool good = error == std::errc() && rest == end && std::isfinite(value) && value >= 0;
  return good ? std::optional(value) : std::nullopt;
}

// The id of a call, or empty for one that the cache cannot hold.
template <typename Request>
std::string call_id(const std::string& fingerprint, const Request& request) {
  const auto key = call_key(fingerprint, request);
  return key ? key->id() : std::string();
}

class RefusedCall : public ChatCall {};

}  // namespace

double Price::of(const Usage& usage) const {
  return (static_cast<double>(usage.prompt_tokens) * prompt +
          static_cast<double>(usage.completion_tokens) * completion) /
         kTokensPerPrice;
}

Result<std::pair<std::string, Price>> parse_price(std::string_view text) {
  const size_t equals = text.find('=');
  const size_t slash = text.find('/', equals == std::string_view::npos ? 0 : equals);
  if (equals != std::string_view::npos && equals > 0 && slash != std::string_view::npos) {
    const auto prompt = parse_amount(text.substr(equals + 1, slash - equals - 1));
    const auto completion = parse_amount(text.substr(slash + 1));
    if (prompt && completion) {
      return std::pair(std::string(text.substr(0, equals)), Price{*prompt, *completion});
    }
  }
  return invalid_argument(
      "price \"{}\": expected MODEL=IN/OUT, the cost of a million prompt and completion tokens, "
      "for example judge=0.15/0.60",
      printable(text));
}

Result<double> parse_max_cost(std::string_view text) {
  if (const auto amount = parse_amount(text)) {
    return *amount;
  }
  return invalid_argument("--max-cost \"{}\": expected a number of at least 0, for example 2.50",
                          printable(text));
}

Usage usage_of(const LabelScoreResponse& response) {
  return {.prompt_tokens = response.prompt_tokens,
          .completion_tokens = static_cast<int64_t>(response.scores.size()),
          .cached_tokens = response.cached_tokens};
}

Usage usage_of(const std::vector<CompletionScore>& scores) {
  Usage usage;
  for (const CompletionScore& score : scores) {
    usage.prompt_tokens += static_cast<int64_t>(score.ids.size());
  }
  return usage;
}

void ModelCost::add_call(const Usage& usage, const Price* price) {
  ++calls;
  prompt_tokens += usage.prompt_tokens;
  completion_tokens += usage.completion_tokens;
  if (price != nullptr) {
    cost = cost.value_or(0) + price->of(usage);
  }
}

const Price* CostLedger::price_of(const std::string& model) const {
  const auto price = prices_.find(model);
  return price == prices_.end() ? nullptr : &price->second;
}

void CostLedger::count(const std::string& model, const Usage& usage) {
  const Price* price = price_of(model);
  costs_[model].add_call(usage, price);
  total_ += price == nullptr ? 0 : price->of(usage);
}

void CostLedger::add_call(const std::string& model, const std::string& id, const Usage& usage) {
  const std::lock_guard lock(mutex_);
  count(model, usage);
  paid_.insert(id);
}

void CostLedger::add_known_call(const std::string& model,
                                const std::string& id,
                                const Usage& usage) {
  const std::lock_guard lock(mutex_);
  if (id.empty() || paid_.insert(id).second) {
    count(model, usage);
  } else {
    ++costs_[model].cached_calls;
  }
}

bool CostLedger::budget_is_spent() const {
  const std::lock_guard lock(mutex_);
  return max_cost_ && total_ >= *max_cost_;
}

Result<Ok> CostLedger::check_budget(const std::string& model) const {
  const Price* price = price_of(model);
  if (price == nullptr || price->is_free() || !budget_is_spent()) {
    return Ok{};
  }
  return exhausted(
      "the budget is spent: {:.6g} of {:.6g}; what is finished is kept, raise --max-cost to go on",
      total_cost(), *max_cost_);
}

std::map<std::string, ModelCost> CostLedger::costs() const {
  const std::lock_guard lock(mutex_);
  return costs_;
}

double CostLedger::total_cost() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

std::shared_ptr<ChatCall> MeteredChatModel::submit(ChatRequest request, ChatSink sink) {
  if (auto allowed = ledger_.check_budget(name()); !allowed) {
    sink.on_done(in_context(std::move(allowed).error(), name()));
    return std::make_shared<RefusedCall>();
  }
  auto on_done = [&ledger = ledger_, model = name(), id = call_id(fingerprint_, request),
                  done = std::move(sink.on_done)](Result<ChatResponse> response) {
    if (response && response->from_cache) {
      ledger.add_known_call(model, id, response->usage);
    } else if (response) {
      ledger.add_call(model, id, response->usage);
    }
    done(std::move(response));
  };
  return model_.submit(std::move(request),
                       {.on_delta = std::move(sink.on_delta), .on_done = std::move(on_done)});
}

Result<std::vector<CompletionScore>> MeteredScorer::score(const CompletionScoreRequest& request) {
  CUPEL_TRY_VOID(ledger_.check_budget(identity_.name));
  CUPEL_TRY(auto scores, scorer_.score(request));
  ledger_.add_call(identity_.name, call_id(identity_.fingerprint, request), usage_of(scores));
  return scores;
}

Result<LabelScoreResponse> MeteredScorer::score_labels(const LabelScoreRequest& request) {
  CUPEL_TRY_VOID(ledger_.check_budget(identity_.name));
  CUPEL_TRY(auto response, scorer_.score_labels(request));
  ledger_.add_call(identity_.name, call_id(identity_.fingerprint, request), usage_of(response));
  return response;
}

}  // namespace cupel::store
