// cupel rank voters: who does not vote like the others.
#include <cmath>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/rank_votes.h"
#include "rank/voters.h"
#include "report/numbers.h"
#include "report/table.h"
#include "report/terminal.h"

namespace cupel::cli::command {
namespace {

std::string flags_text(const rank::VoterReport& voter) {
  std::vector<std::string> flags;
  for (const auto& [flag, name] :
       {std::pair(voter.fisher_flag, "odd votes"), std::pair(voter.e_value_flag, "odd votes (e)"),
        std::pair(voter.side_flag, "one side"), std::pair(voter.daily_flag, "many a day")}) {
    if (flag) {
      flags.emplace_back(name);
    }
  }
  return flags.empty() ? "" : join(flags, ", ");
}

Json voter_json(const rank::VoterReport& voter) {
  Json json = Json::object();
  json.set("voter", voter.name);
  json.set("votes", voter.votes);
  json.set("scored", voter.scored);
  json.set("fisher", voter.fisher ? Json(voter.fisher->statistic) : Json());
  json.set("fisher_threshold", voter.fisher ? Json(voter.fisher->threshold) : Json());
  json.set("log_e_value", voter.log_e_value);
  json.set("left_wins", voter.left_wins);
  json.set("right_wins", voter.right_wins);
  json.set("side_p_value", voter.side_p_value);
  json.set("flags", flags_text(voter));
  return json;
}

class RankVoters : public Command {
 public:
  void declare(Arguments& a) override {
    votes_.declare_files(a);
    a.number("--alpha", "SHARE", alpha_, "Chance that a test flags an honest voter");
    a.text("--day", "COLUMN", day_, "Column that names the day of a vote, for --daily-cap");
    a.integer("--daily-cap", "N", cap_, "Flag voters with more votes a day; 0 = no cap", 0,
              1'000'000'000);
    a.flag("--all", all_, "List voters without a flag too");
    a.choice("--format", {"table", "json"}, format_, "Output");
  }

  Result<int> run() override {
    if (votes_.cluster().empty()) {
      return invalid_argument("rank voters: who voted? name the column, e.g. --cluster user");
    }
    if (day_.empty() != (cap_ == 0)) {
      return invalid_argument("rank voters: --day and --daily-cap need each other");
    }
    CUPEL_TRY(const rank::VoteFile votes,
              votes_.read(day_.empty() ? std::vector<std::string>{} : std::vector{day_}));
    print_warnings(reading_warnings(votes));
    rank::VoterOptions options{.alpha = alpha_, .seed = votes_.seed(), .daily_cap = cap_};
    if (!day_.empty()) {
      options.day = votes.kept.front().ids;
    }
    CUPEL_TRY(const rank::VoterScan scan, rank::scan_voters(votes.table, options));
    if (format_ == "json") {
      Json voters = Json::array();
      for (const rank::VoterReport& voter : scan.voters) {
        if (all_ || voter.flags() > 0) {
          voters.push_back(voter_json(voter));
        }
      }
      print_pretty(Json::object().set("voters", std::move(voters)));
      return 0;
    }
    print(table(scan));
    return 0;
  }

 private:
  [[nodiscard]] std::string table(const rank::VoterScan& scan) const {
    using report::Align;
    report::Table table({{"voter", Align::kLeft, 14},
                         {"votes", Align::kRight},
                         {"Fisher", Align::kRight},
                         {"limit", Align::kRight, 0, 3},
                         {"e-value", Align::kRight, 0, 2},
                         {"left : right", Align::kRight, 0, 1},
                         {"flags", Align::kLeft}});
    int64_t flagged = 0;
    for (const rank::VoterReport& voter : scan.voters) {
      flagged += voter.flags() > 0 ? 1 : 0;
      if (!all_ && voter.flags() == 0) {
        continue;
      }
      const auto& fisher = voter.fisher;
      table.add_row(std::vector<std::string>{
          voter.name, report::count_text(voter.votes),
          fisher ? report::fixed_text(fisher->statistic, 1) : report::kNoNumber,
          fisher ? report::fixed_text(fisher->threshold, 1) : report::kNoNumber,
          format("{:.3g}", std::exp(std::min(voter.log_e_value, 700.0))),
          format("{} : {}", voter.left_wins, voter.right_wins), flags_text(voter)});
    }
    return table.render(report::detect_terminal(STDOUT_FILENO)) +
           format("{} of {} voters are flagged; each test flags {:g}% of honest ones.\n",
                  report::count_text(flagged),
                  report::count_text(static_cast<int64_t>(scan.voters.size())), 100 * alpha_);
  }

  VoteFlags votes_;
  double alpha_ = 0.1;
  std::string day_;
  int64_t cap_ = 0;
  bool all_ = false;
  std::string format_ = "table";
};

}  // namespace

CommandInfo rank_voters() {
  return {.name = "rank voters",
          .group = "Measure",
          .summary = "Voters who do not vote like the others",
          .examples =
              "  cupel rank voters votes.csv --cluster user\n"
              "  cupel rank voters votes.jsonl --cluster user --day date --daily-cap 100\n",
          .make = &make_command<RankVoters>};
}

}  // namespace cupel::cli::command
