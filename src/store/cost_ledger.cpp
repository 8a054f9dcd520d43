#include "store/cost_ledger.h"

#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

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

class RefusedCall : public ChatCall {};

}  // namespace

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
      "for "
      "example judge=0.15/0.60",
      printable(text));
}

void CostLedger::add_call(const std::string& model, const Usage& usage, double seconds) {
  const auto price = prices_.find(model);
  double cost = 0;
  if (price != prices_.end()) {
    cost = (static_cast<double>(usage.prompt_tokens) * price->second.prompt +
            static_cast<double>(usage.completion_tokens) * price->second.completion) /
           kTokensPerPrice;
  }
  const std::lock_guard lock(mutex_);
  ModelCost& used = costs_[model];
  ++used.calls;
  used.prompt_tokens += usage.prompt_tokens;
  used.completion_tokens += usage.completion_tokens;
  used.seconds += seconds;
  used.cost += cost;
  total_ += cost;
}

void CostLedger::add_cached_call(const std::string& model) {
  const std::lock_guard lock(mutex_);
  ++costs_[model].cached_calls;
}

Result<Ok> CostLedger::check_budget(const std::string& model) const {
  const auto price = prices_.find(model);
  if (!max_cost_ || price == prices_.end() ||
      (price->second.prompt == 0 && price->second.completion == 0)) {
    return Ok{};
  }
  const std::lock_guard lock(mutex_);
  if (total_ < *max_cost_) {
    return Ok{};
  }
  return exhausted(
      "the budget is spent: {:.6g} of {:.6g}; what is finished is kept, raise --max-cost to go on",
      total_, *max_cost_);
}

std::map<std::string, ModelCost> CostLedger::costs() const {
  const std::lock_guard lock(mutex_);
  return costs_;
}

double CostLedger::total_cost() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

Json CostLedger::to_json() const {
  Json models = Json::object();
  for (const auto& [name, used] : costs()) {
    models.set(name, Json::object()
                         .set("calls", used.calls)
                         .set("cached_calls", used.cached_calls)
                         .set("prompt_tokens", used.prompt_tokens)
                         .set("completion_tokens", used.completion_tokens)
                         .set("seconds", used.seconds)
                         .set("cost", used.cost));
  }
  return Json::object()
      .set("models", std::move(models))
      .set("cost", total_cost())
      .set("max_cost", max_cost_ ? Json(*max_cost_) : Json());
}

std::shared_ptr<ChatCall> MeteredChatModel::submit(ChatRequest request, ChatSink sink) {
  if (auto allowed = ledger_.check_budget(name()); !allowed) {
    sink.on_done(in_context(std::move(allowed).error(), name()));
    return std::make_shared<RefusedCall>();
  }
  auto on_done = [&ledger = ledger_, model = name(),
                  done = std::move(sink.on_done)](Result<ChatResponse> response) {
    if (response && response->from_cache) {
      ledger.add_cached_call(model);
    } else if (response) {
      const Timings& timings = response->timings;
      ledger.add_call(model, response->usage, timings.prefill_s + timings.decode_s);
    }
    done(std::move(response));
  };
  return model_.submit(std::move(request),
                       {.on_delta = std::move(sink.on_delta), .on_done = std::move(on_done)});
}

Result<std::vector<CompletionScore>> MeteredScorer::score(const CompletionScoreRequest& request) {
  CUPEL_TRY_VOID(ledger_.check_budget(name_));
  const Stopwatch watch;
  CUPEL_TRY(auto scores, scorer_.score(request));
  Usage usage;
  for (const CompletionScore& score : scores) {
    usage.prompt_tokens += static_cast<int64_t>(score.ids.size());
  }
  ledger_.add_call(name_, usage, watch.seconds());
  return scores;
}

Result<LabelScoreResponse> MeteredScorer::score_labels(const LabelScoreRequest& request) {
  CUPEL_TRY_VOID(ledger_.check_budget(name_));
  CUPEL_TRY(auto response, scorer_.score_labels(request));
  const Usage usage = {.prompt_tokens = response.prompt_tokens,
                       .completion_tokens = static_cast<int64_t>(request.prompts.size())};
  ledger_.add_call(name_, usage, response.seconds);
  return response;
}

}  // namespace cupel::store
