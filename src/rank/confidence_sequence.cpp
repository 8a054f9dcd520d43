#include "rank/confidence_sequence.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

constexpr int kGrid = 1000;
constexpr double kTruncation = 0.5;  // no bet risks more than this share of the money

/// How much to bet next, from the outcomes so far: √(2·ln(2/α)/(σ̂²·t·ln(t + 1))), σ̂² with a prior
/// observation of variance ¼.
double bet_size(int64_t seen, double squares, double alpha) {
  const auto t = static_cast<double>(seen + 1);
  const double variance = (0.25 + squares) / t;
  return std::sqrt(2 * std::log(2 / alpha) / (variance * t * std::log(t + 1)));
}

/// Adds an outcome to the plug-in mean and variance (prior observation ½).
void observe(double outcome, int64_t& seen, double& sum, double& squares) {
  ++seen;
  sum += outcome;
  const double mean = (0.5 + sum) / static_cast<double>(seen + 1);
  squares += (outcome - mean) * (outcome - mean);
}

/// Keeps wealth away from overflow and from denormal numbers, which are slow.
double bounded(double wealth) {
  return wealth < 1e-200 ? 0 : std::min(wealth, 1e300);
}

Result<int32_t> find(const BattleTable& table, const std::string& model) {
  const auto index = table.models().find(model);
  if (!index.has_value()) {
    return not_found("no model \"{}\"{}", printable(model),
                     did_you_mean(model, table.models().names()));
  }
  return *index;
}

/// Either interval, and when it first excluded one half.
class Watch {
 public:
  explicit Watch(const StoppingOptions& options)
      : options_(options),
        rho_(anytime_rho(options.tuned_at, options.alpha)),
        betting_(options.alpha),
        even_(0.5, options.alpha) {}

  void add(double outcome) {
    sum_ += outcome;
    ++report_.votes;
    report_.mean = sum_ / static_cast<double>(report_.votes);
    if (options_.kind == AnytimeKind::kBetting) {
      betting_.add(outcome);
      even_.add(outcome);
    }
    if (!report_.decided_after.has_value() && excludes_half()) {
      report_.decided_after = report_.votes;
      report_.mean_when_decided = report_.mean;
    }
  }
  [[nodiscard]] int64_t votes() const { return report_.votes; }
  /// Needs a vote.
  StoppingReport report() {
    if (options_.kind == AnytimeKind::kBetting) {
      report_.interval = betting_.interval();
    } else {
      const double half = anytime_half_width(report_.votes, options_.alpha, rho_);
      report_.interval = {std::max(0.0, report_.mean - half), std::min(1.0, report_.mean + half)};
    }
    return report_;
  }

 private:
  [[nodiscard]] bool excludes_half() const {
    return options_.kind == AnytimeKind::kBetting
               ? even_.wealth() >= 1 / options_.alpha
               : std::abs(report_.mean - 0.5) >
                     anytime_half_width(report_.votes, options_.alpha, rho_);
  }
  const StoppingOptions& options_;
  double rho_;
  BettingInterval betting_;
  BettingMartingale even_;
  double sum_ = 0;
  StoppingReport report_;
};

}  // namespace

double anytime_rho(double votes, double alpha) {
  const double log_inverse = 2 * std::log(1 / alpha);
  return 0.25 * votes / (log_inverse + std::log1p(log_inverse));
}

double anytime_half_width(int64_t votes, double alpha, double rho) {
  const auto t = static_cast<double>(votes);
  const double total = 0.25 * t + rho;
  return std::sqrt(total * std::log(total / (rho * alpha * alpha))) / t;
}

void BettingMartingale::bet(double outcome, double size) {
  const double more = std::min(size, kTruncation / mean_);
  const double less = std::min(size, kTruncation / (1 - mean_));
  up_ = bounded(up_ * (1 + more * (outcome - mean_)));
  down_ = bounded(down_ * (1 - less * (outcome - mean_)));
}

void BettingMartingale::add(double outcome) {
  bet(outcome, bet_size(seen_, squares_, alpha_));
  observe(outcome, seen_, sum_, squares_);
}

BettingInterval::BettingInterval(double alpha) : alpha_(alpha) {
  for (int k = 1; k < kGrid; ++k) {
    left_.emplace_back(static_cast<double>(k) / kGrid, alpha);
  }
}

void BettingInterval::add(double outcome) {
  const double size = bet_size(seen_, squares_, alpha_);
  observe(outcome, seen_, sum_, squares_);
  for (BettingMartingale& martingale : left_) {
    martingale.bet(outcome, size);
  }
  const auto ruled_out = [&](const BettingMartingale& m) { return m.wealth() >= 1 / alpha_; };
  // Where the last ones go at once the interval would be empty (with probability ≤ α): they stay.
  if (!std::all_of(left_.begin(), left_.end(), ruled_out)) {
    std::erase_if(left_, ruled_out);
  }
}

numeric::Interval BettingInterval::interval() const {
  constexpr double kStep = 1.0 / kGrid;
  return {std::max(0.0, left_.front().mean_ - kStep), std::min(1.0, left_.back().mean_ + kStep)};
}

Result<StoppingReport> anytime_comparison(const BattleTable& table,
                                          const std::string& model_a,
                                          const std::string& model_b,
                                          const StoppingOptions& options) {
  if (!(options.alpha > 0 && options.alpha < 1) || !(options.tuned_at > 0)) {
    return invalid_argument(
        "alpha is {:g} and tuned_at {:g}; expected 0 < alpha < 1 and tuned_at > 0", options.alpha,
        options.tuned_at);
  }
  CUPEL_TRY(const int32_t a, find(table, model_a));
  CUPEL_TRY(const int32_t b, find(table, model_b));
  Watch watch(options);
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    const bool straight = battle.a == a && battle.b == b;
    if (!straight && !(battle.a == b && battle.b == a)) {
      continue;
    }
    if (battle.weight != 1) {
      return invalid_argument("battle {} has weight {:g}; an anytime interval needs plain votes",
                              i + 1, battle.weight);
    }
    for (int64_t k = 0; k < battle.count; ++k) {
      watch.add(straight ? battle.outcome : 1 - battle.outcome);
    }
  }
  if (watch.votes() == 0) {
    return failed_precondition("\"{}\" and \"{}\" never met; there is nothing to decide from",
                               printable(model_a), printable(model_b));
  }
  return watch.report();
}

}  // namespace cupel::rank
