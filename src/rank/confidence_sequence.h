#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/statistics.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// The mixing parameter that makes the interval below narrowest after `votes` votes (of intrinsic
/// variance ¼ each): ρ = v/(2·ln(1/α) + ln(1 + 2·ln(1/α))), v = votes/4.
double anytime_rho(double votes, double alpha);

/// Half-width that holds for the mean of outcomes in [0, 1] at all numbers of votes t ≥ 1 at once,
/// with probability ≥ 1 − α: √((v + ρ)·ln((v + ρ)/(ρ·α²)))/t, v = t/4.
///
/// So one may look after every vote and stop whenever the interval says enough; a fixed-number
/// interval looked at again and again would miss the truth half of the time.
/// Source: Howard, Ramdas, McAuliffe & Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic
///         confidence sequences", two-sided normal mixture; Robbins 1970.
double anytime_half_width(int64_t votes, double alpha, double rho);

/// A gambler who bets against the mean of outcomes in [0, 1] being `mean`, half of the money on
/// more and half on less. If the mean is right the wealth is a martingale, so it ever reaches 1/α
/// with probability ≤ α, whenever one looks.
///
/// Source: Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting",
///         section 4.2 (hedged capital with predictable plug-in bets, truncated at ½).
class BettingMartingale {
 public:
  /// `mean` in (0, 1), `alpha` in (0, 1): what the bets are tuned for.
  BettingMartingale(double mean, double alpha) : mean_(mean), alpha_(alpha) {}
  void add(double outcome);
  /// Starts at 1; capped at 1e300.
  [[nodiscard]] double wealth() const { return 0.5 * (up_ + down_); }

 private:
  friend class BettingInterval;
  void bet(double outcome, double size);
  double mean_;
  double alpha_;
  double up_ = 1;
  double down_ = 1;
  // The plug-in estimates behind the next bet; unused inside a BettingInterval, which has its own.
  int64_t seen_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

/// The means that such gamblers have not ruled out: an interval that holds at all times at once and
/// is much narrower than the one above where outcomes vary little (ties, one-sided pairs).
class BettingInterval {
 public:
  /// Means are told apart to 1/1000.
  explicit BettingInterval(double alpha);
  void add(double outcome);
  /// Never grows; its ends are themselves ruled out, or 0 and 1.
  [[nodiscard]] numeric::Interval interval() const;

 private:
  double alpha_;
  std::vector<BettingMartingale> left_;  // means not ruled out yet, ascending
  int64_t seen_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

enum class AnytimeKind { kNormalMixture, kBetting };

struct StoppingOptions {
  AnytimeKind kind = AnytimeKind::kBetting;
  double alpha = 0.05;     ///< chance of ever being wrong, in (0, 1)
  double tuned_at = 1000;  ///< votes at which the normal mixture is narrowest, > 0
};

/// Two models' votes one after another.
struct StoppingReport {
  int64_t votes = 0;           ///< between the two
  double mean = 0;             ///< share of the points that the first took
  numeric::Interval interval;  ///< after all votes; holds at every earlier time as well
  /// Votes after which the interval first excluded one half: there one could have stopped. Absent:
  /// not decided yet.
  std::optional<int64_t> decided_after;
  std::optional<double> mean_when_decided;
};

/// Walks the votes between two models in the order of the rows.
///
/// Errors: kNotFound - no such model; kFailedPrecondition - they never met; kInvalidArgument -
/// options
///         out of range, a weight other than 1 (a weighted vote is no bounded outcome).
/// Cost:   O(N) and, for betting, 1,000 steps a vote at first and fewer as means are ruled out.
Result<StoppingReport> anytime_comparison(const BattleTable& table,
                                          const std::string& model_a,
                                          const std::string& model_b,
                                          const StoppingOptions& options = {});

}  // namespace cupel::rank
