// cupel rank compare: how far two rankings agree.
#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "rank/compare.h"

namespace cupel::cli::command {
namespace {

using rank::RankingComparison;

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json texts(const std::vector<std::string>& values) {
  Json json = Json::array();
  for (const std::string& value : values) {
    json.push_back(value);
  }
  return json;
}

Json to_json(const RankingComparison& c) {
  Json json = Json::object();
  json.set("shared", c.shared);
  json.set("only_a", texts(c.only_a));
  json.set("only_b", texts(c.only_b));
  json.set("kendall", optional_json(c.kendall));
  json.set("spearman", optional_json(c.spearman));
  json.set("agreement", optional_json(c.agreement));
  json.set("separability_a", optional_json(c.separability_a));
  json.set("separability_b", optional_json(c.separability_b));
  json.set("brier", optional_json(c.brier));
  return json;
}

class RankCompare : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("A", a_, "Ranking: CSV with item, rating and perhaps ci_low, ci_high");
    a.positional("B", b_, "The other one");
    a.number("--alpha", "SHARE", alpha_, "What the intervals of A were made with");
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const rank::Ranking a, rank::read_ranking_csv(a_));
    CUPEL_TRY(const rank::Ranking b, rank::read_ranking_csv(b_));
    CUPEL_TRY(const RankingComparison c, rank::compare_rankings(a, b, {.confidence = 1 - alpha_}));
    if (format_ == "json") {
      print_pretty(to_json(c));
      return 0;
    }
    const auto line = [](std::string_view name, const std::optional<double>& value,
                         std::string_view meaning) {
      if (value) {
        print(format("{:<14} {:7.4f}  {}\n", name, *value, meaning));
      }
    };
    print(format("{} models in both\n", c.shared));
    for (const auto& [path, only] : {std::pair(a_, c.only_a), std::pair(b_, c.only_b)}) {
      if (!only.empty()) {
        print(format("only in {}: {}\n", path, excerpt(join(only, ", "), 200)));
      }
    }
    line("Kendall tau-b", c.kendall,
         "pairs in the same order less pairs in the other, ties counted");
    line("Spearman", c.spearman, "correlation of the ranks");
    line("agreement", c.agreement,
         "the same among pairs that both sides tell apart, over all pairs");
    line("separability A", c.separability_a, "share of pairs whose intervals do not overlap");
    line("separability B", c.separability_b, "");
    line("Brier", c.brier, "of the pair probabilities of A against the order of B");
    return 0;
  }

 private:
  std::string a_;
  std::string b_;
  double alpha_ = 0.05;
  std::string format_ = "text";
};

}  // namespace

CommandInfo rank_compare() {
  return {.name = "rank compare",
          .group = "Measure",
          .summary = "How far two rankings agree",
          .examples = "  cupel rank compare ours.csv theirs.csv\n",
          .make = &make_command<RankCompare>};
}

}  // namespace cupel::cli::command
