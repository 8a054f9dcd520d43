#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// Fisher's statistic −2·Σ ln p of independent p-values in (0, 1]: chi-square with 2n degrees of
/// freedom when each p is uniform.
double fisher_statistic(std::span<const double> p_values);

/// The day of a time as votes carry it, counted from 1 January 1970 (UTC): seconds since then,
/// whole or not (LMArena's `tstamp`), milliseconds (from 1e11 on), or text that begins with
/// YYYY-MM-DD. Errors: kCorruptData - none of these, or a day that no calendar has.
Result<int32_t> day_number(std::string_view time);

struct VoterOptions {
  double alpha = 0.1;     ///< chance that a test flags an honest voter, in (0, 1)
  uint64_t seed = 0;      ///< a voter's draws depend on (seed, name, vote) alone
  int64_t daily_cap = 0;  ///< most votes a day that are not flagged; 0: no cap
  /// [rows] number of the day of each vote, any numbers; empty: not known.
  std::span<const int32_t> day = {};
};

/// Where a voter's p-values stood against their threshold, at the most telling checkpoint.
struct FisherCheck {
  int64_t votes = 0;  ///< votes up to the checkpoint
  double statistic = 0;
  double threshold = 0;  ///< χ² quantile with 2·votes degrees of freedom
  [[nodiscard]] bool exceeded() const { return statistic >= threshold; }
};

struct VoterReport {
  std::string name;
  int64_t votes = 0;
  int64_t scored = 0;  ///< votes on pairs that others voted on as well: only those can be odd
  std::optional<FisherCheck> fisher;  ///< absent without a scored vote
  double log_e_value = 0;  ///< ln of the largest e-value reached; evidence against an honest voter
  int64_t left_wins = 0;
  int64_t right_wins = 0;
  double side_p_value = 1;  ///< of so uneven a split between left and right, were sides a coin toss
  int64_t most_votes_a_day = 0;  ///< 0 where days are not known
  // What was flagged, each at its own α.
  bool fisher_flag = false;
  bool e_value_flag = false;
  bool side_flag = false;
  bool daily_flag = false;

  [[nodiscard]] int flags() const {
    return int{fisher_flag} + int{e_value_flag} + int{side_flag} + int{daily_flag};
  }
};

struct VoterScan {
  std::vector<VoterReport> voters;  ///< most flags first, then most votes, then by name
  int64_t unnamed_votes = 0;        ///< votes without a voter: history for others, never tested
  int64_t left_wins = 0;            ///< of all votes
  int64_t right_wins = 0;
  double side_p_value = 1;
};

/// Looks for voters who do not vote like others.
///
/// Per vote on a pair, against the votes of all others on it: p = (#{h above} + U·(#{h equal} +
/// 1))/(n + 1), U uniform, votes ordered by the share of the pair's favourite; and the mirrored one
/// from below. An honest voter's are uniform. Without U votes of three kinds would make p so
/// conservative that a random voter is caught one time in six.
/// Tests: Fisher's statistic at 5 random checkpoints, each direction at α/2, each checkpoint at a
///        fifth of that; an e-value that may be looked at all the time, mean over both directions
///        of Π ½·p^(−½), flagged at 1/α; a sign test of left against right wins; a cap on votes a
///        day. Each test flags an honest voter with chance ≤ α: among many voters some will be.
/// Voters: the table's clusters, their votes in the order of rows. Weights do not count.
/// Not done: finding out who answered from the answer's text ("I am …"): votes carry no texts here.
/// Errors: kFailedPrecondition - no vote names its voter; kInvalidArgument - options out of range,
/// a
///         soft outcome, days of another number than rows.
/// Cost:   O(N·log(pairs)); deterministic; independent of the order of voters.
/// Source: Chiang et al. 2024 (arXiv 2403.04132), section 5.1 (detection of anomalous users), with
///         randomised p-values; e-values: Vovk & Wang 2021, "E-values: calibration, combination and
///         applications".
Result<VoterScan> scan_voters(const BattleTable& table, const VoterOptions& options = {});

}  // namespace cupel::rank
