// cupel rank next-pairs: where the next votes tell most, and what is settled already.
#include <algorithm>
#include <numeric>

#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/rank_votes.h"
#include "rank/confidence_sequence.h"
#include "rank/sampling_advice.h"
#include "report/numbers.h"
#include "report/table.h"
#include "report/terminal.h"

namespace cupel::cli::command {
namespace {

/// One pair of the answer with what its own votes say.
struct Line {
  rank::PairAdvice advice;
  std::string a;
  std::string b;
  std::optional<rank::StoppingReport> stopping;  ///< none: they never met
};

class RankNextPairs : public Command {
 public:
  void declare(Arguments& a) override {
    votes_.declare_files(a);
    votes_.declare_rating(a);
    a.choice("--rule", {"variance", "d-optimal", "uniform"}, rule_,
             "variance: shrink each pair's interval; d-optimal: learn most in all");
    a.number("--exploration", "SHARE", exploration_, "Share of votes that go to pairs at random");
    a.integer("--most", "N", most_, "Pairs to list", 1, 1'000'000);
    a.choice("--format", {"table", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(rank::AnalysisOptions options, votes_.analysis());
    if (!options.method->has_covariance) {
      return invalid_argument(
          "rank next-pairs needs to know how sure each difference is, which this method does not "
          "say; take --method bradley-terry");
    }
    options.leaderboard.intervals = rank::IntervalKind::kSandwich;
    CUPEL_TRY(const rank::VoteFile votes, votes_.read());
    CUPEL_TRY(const rank::Analysis analysis, rank::analyse(votes.table, options));
    print_warnings(reading_warnings(votes));
    print_warnings(analysis.notes);
    CUPEL_TRY(const rank::SamplingAdvice advice,
              rank::sampling_advice(analysis.table, analysis.board.ratings,
                                    {.rule = rule(), .exploration = exploration_, .most = most_}));
    std::vector<Line> lines;
    for (const rank::PairAdvice& pair : advice.pairs) {
      CUPEL_TRY(Line line, line_of(analysis.table.models(), votes.table, pair));
      lines.push_back(std::move(line));
    }
    if (format_ == "json") {
      print_pretty(to_json(lines, advice));
    } else {
      print(table(lines, advice));
    }
    return 0;
  }

 private:
  [[nodiscard]] rank::SamplingRule rule() const {
    if (rule_ == "uniform") {
      return rank::SamplingRule::kUniform;
    }
    return rule_ == "variance" ? rank::SamplingRule::kVarianceReduction
                               : rank::SamplingRule::kDOptimal;
  }

  /// `votes` in the order in which they were cast: when a pair was settled depends on it.
  [[nodiscard]] Result<Line> line_of(const rank::NameIndex& names,
                                     const rank::BattleTable& votes,
                                     const rank::PairAdvice& pair) const {
    Line line{pair, names.name(pair.a), names.name(pair.b), std::nullopt};
    if (pair.battles > 0) {
      CUPEL_TRY(line.stopping,
                rank::anytime_comparison(votes, line.a, line.b, {.alpha = votes_.alpha()}));
    }
    return line;
  }

  [[nodiscard]] static Json to_json(const std::vector<Line>& lines,
                                    const rank::SamplingAdvice& advice) {
    Json pairs = Json::array();
    for (const Line& line : lines) {
      Json pair = Json::object();
      pair.set("a", line.a);
      pair.set("b", line.b);
      pair.set("probability", line.advice.probability);
      pair.set("votes", line.advice.battles);
      pair.set("standard_error", line.advice.standard_error);
      if (line.stopping) {
        pair.set("share", line.stopping->mean);
        pair.set("low", line.stopping->interval.low);
        pair.set("high", line.stopping->interval.high);
        pair.set("settled_after",
                 line.stopping->decided_after ? Json(*line.stopping->decided_after) : Json());
      }
      pairs.push_back(std::move(pair));
    }
    Json json = Json::object();
    json.set("pairs", std::move(pairs));
    json.set("pair_count", advice.pair_count);
    json.set("least_probability", advice.least_probability);
    return json;
  }

  [[nodiscard]] std::string table(const std::vector<Line>& lines,
                                  const rank::SamplingAdvice& advice) const {
    using report::Align;
    report::Table table({{"ask", Align::kRight},
                         {"model", Align::kLeft, 14},
                         {"against", Align::kLeft, 14},
                         {"votes", Align::kRight},
                         {"won", Align::kRight, 0, 1},
                         {"at any time", Align::kRight, 0, 2},
                         {"settled", Align::kLeft}});
    for (const Line& line : lines) {
      const auto& stop = line.stopping;
      std::string settled = "no";
      if (stop && stop->decided_after) {
        settled = format("after {} votes", report::count_text(*stop->decided_after));
      }
      table.add_row(std::vector<std::string>{
          report::percent_text(line.advice.probability), line.a, line.b,
          report::count_text(line.advice.battles),
          stop ? report::percent_text(stop->mean) : report::kNoNumber,
          stop ? format("{:.2f} - {:.2f}", stop->interval.low, stop->interval.high)
               : report::kNoNumber,
          settled});
    }
    return table.render(report::detect_terminal(STDOUT_FILENO)) +
           format(
               "ask: how often to put this pair next, of {} pairs; each keeps {:.3g} at least.\n"
               "won: points of the first in their own votes, with an interval that holds whenever "
               "one looks;\nsettled: it left out one half, so one could have stopped there.\n",
               report::count_text(advice.pair_count), advice.least_probability);
  }

  VoteFlags votes_;
  std::string rule_ = "variance";
  double exploration_ = 0.1;
  int64_t most_ = 20;
  std::string format_ = "table";
};

}  // namespace

CommandInfo rank_next_pairs() {
  return {.name = "rank next-pairs",
          .group = "Measure",
          .summary = "Which pairs the next votes should go to, and which are settled",
          .examples =
              "  cupel rank next-pairs votes.csv\n"
              "  cupel rank next-pairs votes.csv --rule d-optimal --most 5\n",
          .make = &make_command<RankNextPairs>};
}

}  // namespace cupel::cli::command
