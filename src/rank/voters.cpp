#include "rank/voters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "numeric/statistics.h"
#include "rank/folds.h"
#include "rank/outcome_groups.h"

namespace cupel::rank {
namespace {

constexpr size_t kCheckpoints = 5;
using Counts = std::array<int64_t, 3>;  // the second model won, tie, the first won

/// One vote as the tests see it.
struct Vote {
  size_t pair = 0;
  size_t kind = 0;  // index into Counts, seen from the pair's favourite
};

/// All votes by pair, seen from the model that took more of the points.
class PairHistory {
 public:
  /// Errors: kInvalidArgument - a soft outcome.
  static Result<PairHistory> of(const BattleTable& table) {
    if (!table.has_hard_outcomes()) {
      return invalid_argument(
          "some outcomes are neither a win nor a tie; voters are compared by votes");
    }
    PairHistory history;
    for (const OutcomeGroup& group : outcome_groups(table)) {
      const std::pair key(group.a, group.b);
      if (history.pairs_.empty() || history.pairs_.back() != key) {
        history.pairs_.push_back(key);
        history.counts_.emplace_back();
      }
      history.counts_.back()[static_cast<size_t>(2 * group.outcome)] += group.count;
    }
    for (size_t k = 0; k < history.pairs_.size(); ++k) {
      Counts& counts = history.counts_[k];
      // Of all votes, the tested one included, so that which side is up tells nothing about it.
      // Equal sides: by name, so that the order of models does not matter.
      const auto& [a, b] = history.pairs_[k];
      const bool flip = counts[0] != counts[2] ? counts[0] > counts[2]
                                               : table.models().name(a) > table.models().name(b);
      history.flipped_.push_back(flip);
      if (flip) {
        std::swap(counts[0], counts[2]);
      }
    }
    return history;
  }
  [[nodiscard]] Vote vote(const Battle& battle) const {
    const bool swapped = battle.a > battle.b;
    const std::pair key = swapped ? std::pair(battle.b, battle.a) : std::pair(battle.a, battle.b);
    const auto found = std::lower_bound(pairs_.begin(), pairs_.end(), key);
    const auto pair = static_cast<size_t>(found - pairs_.begin());
    const auto kind = static_cast<size_t>(2 * battle.outcome);
    return {pair, swapped != flipped_[pair] ? 2 - kind : kind};
  }
  [[nodiscard]] const Counts& counts(size_t pair) const { return counts_[pair]; }
  [[nodiscard]] size_t size() const { return pairs_.size(); }

 private:
  std::vector<std::pair<int32_t, int32_t>> pairs_;
  std::vector<Counts> counts_;
  std::vector<bool> flipped_;
};

/// Fisher's statistic after each scored vote of one voter, from above and from below.
class Surprise {
 public:
  std::vector<double> above;
  std::vector<double> below;

  /// A vote of one kind, seen beside those that the others cast on the pair.
  void add(const Counts& others, size_t kind, Rng& rng) {
    const auto equal = static_cast<double>(others[kind] + 1);
    double all = 1;
    double higher = 0;
    for (size_t k = 0; k < others.size(); ++k) {
      all += static_cast<double>(others[k]);
      higher += k > kind ? static_cast<double>(others[k]) : 0;
    }
    // 1 − unit() lies in (0, 1]: a p-value of zero would be an infinite surprise.
    append(above, (higher + (1 - rng.unit()) * equal) / all);
    append(below, (all - higher - equal + (1 - rng.unit()) * equal) / all);
  }

 private:
  static void append(std::vector<double>& statistics, double p) {
    statistics.push_back((statistics.empty() ? 0 : statistics.back()) - 2 * std::log(p));
  }
};

/// Tests one voter after another; remembers nothing between them but room.
class VoterTests {
 public:
  VoterTests(const BattleTable& table, const PairHistory& history, const VoterOptions& options)
      : table_(table), history_(history), options_(options), own_(history.size()) {}

  VoterReport run(const std::string& name, std::span<const size_t> rows) {
    VoterReport report{.name = name};
    const uint64_t stream = name_key(name);
    const Surprise surprise = surprise_of(rows, stream);
    report.scored = static_cast<int64_t>(surprise.above.size());
    check_fisher(surprise, stream, report);
    check_e_value(surprise, report);
    check_sides(rows, report);
    check_days(rows, report);
    return report;
  }

 private:
  Surprise surprise_of(std::span<const size_t> rows, uint64_t stream) {
    std::vector<Vote> votes;
    for (const size_t row : rows) {
      const Battle battle = table_.row(row);
      votes.insert(votes.end(), static_cast<size_t>(battle.count), history_.vote(battle));
    }
    for (const Vote& vote : votes) {
      ++own_[vote.pair][vote.kind];
    }
    Surprise surprise;
    Rng rng(options_.seed, stream);
    for (const Vote& vote : votes) {
      Counts others = history_.counts(vote.pair);
      for (size_t k = 0; k < others.size(); ++k) {
        others[k] -= own_[vote.pair][k];
      }
      if (others[0] + others[1] + others[2] > 0) {
        surprise.add(others, vote.kind, rng);
      }
    }
    for (const Vote& vote : votes) {
      own_[vote.pair] = {};
    }
    return surprise;
  }

  /// Numbers of votes, ascending, at which the statistics are looked at.
  std::vector<size_t> checkpoints(size_t votes, uint64_t stream) const {
    std::vector<size_t> positions(votes);
    std::iota(positions.begin(), positions.end(), size_t{1});
    Rng rng(options_.seed, mix64(stream) ^ 1);
    const size_t count = std::min(kCheckpoints, votes);
    for (size_t k = 0; k < count; ++k) {
      std::swap(positions[k], positions[k + rng.below(votes - k)]);
    }
    positions.resize(count);
    std::sort(positions.begin(), positions.end());
    return positions;
  }

  /// Of one direction at one of `looks` checkpoints; most voters cast few votes, so it is known.
  double threshold(size_t votes, size_t looks) {
    const auto [known, fresh] = thresholds_.try_emplace(std::pair(votes, looks));
    if (fresh) {
      const double level = 0.5 * options_.alpha / static_cast<double>(looks);
      known->second = numeric::chi_square_quantile(1 - level, 2 * static_cast<double>(votes));
    }
    return known->second;
  }

  void check_fisher(const Surprise& surprise, uint64_t stream, VoterReport& report) {
    const std::vector<size_t> looks = checkpoints(surprise.above.size(), stream);
    for (const size_t votes : looks) {
      const FisherCheck check{
          .votes = static_cast<int64_t>(votes),
          .statistic = std::max(surprise.above[votes - 1], surprise.below[votes - 1]),
          .threshold = threshold(votes, looks.size())};
      if (!report.fisher.has_value() ||
          check.statistic / check.threshold > report.fisher->statistic / report.fisher->threshold) {
        report.fisher = check;
      }
    }
    report.fisher_flag = report.fisher.has_value() && report.fisher->exceeded();
  }

  void check_e_value(const Surprise& surprise, VoterReport& report) const {
    for (size_t i = 0; i < surprise.above.size(); ++i) {
      // ln Π ½·p^(−½) is a quarter of Fisher's statistic less n·ln 2.
      const double fair = static_cast<double>(i + 1) * std::numbers::ln2;
      const double above = 0.25 * surprise.above[i] - fair;
      const double below = 0.25 * surprise.below[i] - fair;
      const double largest = std::max(above, below);
      if (largest <= report.log_e_value) {
        continue;  // their mean is no larger
      }
      const double mean = largest - std::numbers::ln2 +
                          std::log(std::exp(above - largest) + std::exp(below - largest));
      report.log_e_value = std::max(report.log_e_value, mean);
    }
    report.e_value_flag = report.log_e_value >= std::log(1 / options_.alpha);
  }

  void check_sides(std::span<const size_t> rows, VoterReport& report) const {
    for (const size_t row : rows) {
      const Battle battle = table_.row(row);
      report.votes += battle.count;
      report.left_wins += battle.outcome == kWinA ? battle.count : 0;
      report.right_wins += battle.outcome == kWinB ? battle.count : 0;
    }
    report.side_p_value =
        numeric::fair_coin_p_value(report.left_wins, report.left_wins + report.right_wins);
    report.side_flag = report.side_p_value <= options_.alpha;
  }

  void check_days(std::span<const size_t> rows, VoterReport& report) const {
    if (options_.day.empty()) {
      return;
    }
    std::unordered_map<int32_t, int64_t> votes_of_day;
    for (const size_t row : rows) {
      const int64_t votes = votes_of_day[options_.day[row]] += table_.row(row).count;
      report.most_votes_a_day = std::max(report.most_votes_a_day, votes);
    }
    report.daily_flag = options_.daily_cap > 0 && report.most_votes_a_day > options_.daily_cap;
  }

  const BattleTable& table_;
  const PairHistory& history_;
  const VoterOptions& options_;
  std::vector<Counts> own_;  // [pairs] votes of the voter in hand
  std::map<std::pair<size_t, size_t>, double> thresholds_;
};

Result<Ok> check(const BattleTable& table, const VoterOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  if (!(options.alpha > 0 && options.alpha < 1)) {
    return invalid_argument("alpha is {:g}; expected a share between 0 and 1, e.g. 0.1",
                            options.alpha);
  }
  if (options.daily_cap < 0) {
    return invalid_argument("the daily cap is {}; expected 0 (none) or more", options.daily_cap);
  }
  if (!options.day.empty() && options.day.size() != table.rows()) {
    return invalid_argument("{} days for {} votes; expected one each", options.day.size(),
                            table.rows());
  }
  if (!table.has_clusters()) {
    return failed_precondition("no vote names its voter; say which column does (--cluster user)");
  }
  return Ok{};
}

/// Row numbers of each cluster, in order; those without one are left out.
std::vector<std::vector<size_t>> rows_by_cluster(const BattleTable& table, VoterScan& scan) {
  std::vector<std::vector<size_t>> rows(table.clusters().size());
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    scan.left_wins += battle.outcome == kWinA ? battle.count : 0;
    scan.right_wins += battle.outcome == kWinB ? battle.count : 0;
    if (battle.cluster == kNoCluster) {
      scan.unnamed_votes += battle.count;
    } else if (battle.count > 0) {
      rows[static_cast<size_t>(battle.cluster)].push_back(i);
    }
  }
  scan.side_p_value = numeric::fair_coin_p_value(scan.left_wins, scan.left_wins + scan.right_wins);
  return rows;
}

/// Reads digits and nothing else.
template <typename Number>
bool whole_number(std::string_view text, Number& out) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && rest == text.data() + text.size() && text.front() != '-';
}

}  // namespace

double fisher_statistic(std::span<const double> p_values) {
  double sum = 0;
  for (const double p : p_values) {
    sum -= 2 * std::log(p);
  }
  return sum;
}

Result<int32_t> day_number(std::string_view time) {
  const std::string_view text = trim(time);
  const char* const end = text.data() + text.size();
  double seconds = 0;
  if (const auto [rest, error] = std::from_chars(text.data(), end, seconds);
      error == std::errc() && rest == end && std::abs(seconds) < 1e14) {
    seconds /= std::abs(seconds) >= 1e11 ? 1000 : 1;
    return static_cast<int32_t>(std::floor(seconds / 86'400));
  }
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
      whole_number(text.substr(0, 4), year) && whole_number(text.substr(5, 2), month) &&
      whole_number(text.substr(8, 2), day)) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (date.ok()) {
      return static_cast<int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
    }
  }
  return corrupt_data("\"{}\" is no time; expected seconds since 1970 or a date like 2024-06-01",
                      printable(time));
}

Result<VoterScan> scan_voters(const BattleTable& table, const VoterOptions& options) {
  CUPEL_TRY_VOID(check(table, options));
  CUPEL_TRY(const PairHistory history, PairHistory::of(table));
  VoterScan scan;
  const auto rows = rows_by_cluster(table, scan);
  VoterTests tests(table, history, options);
  for (size_t cluster = 0; cluster < rows.size(); ++cluster) {
    if (!rows[cluster].empty()) {
      scan.voters.push_back(
          tests.run(table.clusters().name(static_cast<int32_t>(cluster)), rows[cluster]));
    }
  }
  std::sort(scan.voters.begin(), scan.voters.end(), [](const auto& x, const auto& y) {
    return std::tuple(-x.flags(), -x.votes, std::string_view(x.name)) <
           std::tuple(-y.flags(), -y.votes, std::string_view(y.name));
  });
  return scan;
}

}  // namespace cupel::rank
