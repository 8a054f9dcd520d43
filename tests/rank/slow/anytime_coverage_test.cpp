// The rank-statistics sheet, "Done means" 4: how often an interval that is looked at after every
// vote ever misses the truth in 5,000 votes. At most 5%; a fixed-number interval peeked at misses
// half of the time (the sheet's run: 52%).
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/statistics.h"
#include "rank/confidence_sequence.h"

namespace cupel::rank {
namespace {

constexpr int kVotes = 5000;
constexpr double kAlpha = 0.05;

// 2,000 runs at 5%: a share above 6.2% would be 2.5 standard deviations off.
TEST(AnytimeCoverage, NormalMixtureEverMissesAtMostAlpha) {
  const double rho = anytime_rho(1000, kAlpha);
  std::vector<double> half(kVotes + 1);
  for (int t = 1; t <= kVotes; ++t) {
    half[static_cast<size_t>(t)] = anytime_half_width(t, kAlpha, rho);
  }
  int missed = 0;
  int peeked = 0;
  constexpr int kRuns = 2000;
  for (uint64_t run = 0; run < kRuns; ++run) {
    Rng rng(11, run);
    double sum = 0;
    bool miss = false;
    bool peek = false;
    for (int t = 1; t <= kVotes; ++t) {
      sum += rng.unit() < 0.5 ? 1 : 0;
      const double mean = sum / t;
      miss = miss || std::abs(mean - 0.5) > half[static_cast<size_t>(t)];
      peek = peek || (t >= 30 && std::abs(mean - 0.5) > 1.96 * std::sqrt(mean * (1 - mean) / t));
    }
    missed += miss ? 1 : 0;
    peeked += peek ? 1 : 0;
  }
  RecordProperty("ever_missed", std::to_string(static_cast<double>(missed) / kRuns));
  RecordProperty("peeked_wald_missed", std::to_string(static_cast<double>(peeked) / kRuns));
  EXPECT_LE(missed, 0.05 * kRuns);
  EXPECT_GE(peeked, 0.40 * kRuns);
}

TEST(AnytimeCoverage, BettingEverMissesAtMostAlpha) {
  constexpr int kRuns = 1000;
  // One-sided pairs, even ones, and votes that mostly tie.
  for (const auto& [win, tie] : {std::pair{0.5, 0.0}, {0.9, 0.0}, {0.15, 0.7}}) {
    int missed = 0;
    for (uint64_t run = 0; run < kRuns; ++run) {
      Rng rng(12, run);
      BettingMartingale truth(win + 0.5 * tie, kAlpha);
      bool miss = false;
      for (int t = 0; t < kVotes && !miss; ++t) {
        const double u = rng.unit();
        truth.add(u < win ? 1.0 : (u < win + tie ? 0.5 : 0.0));
        miss = truth.wealth() >= 1 / kAlpha;
      }
      missed += miss ? 1 : 0;
    }
    RecordProperty("ever_missed_" + std::to_string(win),
                   std::to_string(static_cast<double>(missed) / kRuns));
    EXPECT_LE(missed, 0.05 * kRuns) << win << " " << tie;
  }
}

}  // namespace
}  // namespace cupel::rank
