// cupel rank: votes into a leaderboard.
#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/rank_output.h"
#include "cli/rank_votes.h"

namespace cupel::cli::command {
namespace {

class Rank : public Command {
 public:
  void declare(Arguments& a) override {
    votes_.declare_files(a);
    votes_.declare_rating(a);
    votes_.declare_intervals(a);
    a.text("--by", "COLUMN", by_, "One more leaderboard for each value, e.g. language");
    a.choice("--format", {"table", "csv", "json", "html"}, format_, "Output");
    a.text("--out", "FILE", out_, "Write there instead of standard output");
  }

  Result<int> run() override {
    CUPEL_TRY(rank::AnalysisOptions options, votes_.analysis());
    CUPEL_TRY_VOID(check_out());
    few_rounds_ = options.leaderboard.intervals == rank::IntervalKind::kBootstrap &&
                  options.leaderboard.bootstrap.rounds < 100;
    options.details = format_ == "html" || format_ == "json";
    CUPEL_TRY(rank::VoteFile votes,
              votes_.read(by_.empty() ? std::vector<std::string>{} : std::vector{by_}));
    RankOutput output{.files = votes_.files(),
                      .method = std::string(options.method->name),
                      .grouped_by = by_,
                      .confidence = options.leaderboard.confidence,
                      .seed = votes_.seed(),
                      .cluster = votes_.cluster(),
                      .choices = votes_.choices()};
    std::replace(output.method.begin(), output.method.end(), '_', '-');
    CUPEL_TRY_VOID(rate_all(votes, options, output));
    add_warnings(votes, output);
    output.votes = std::move(votes);
    return write(output);
  }

 private:
  /// The votes are not written over, and the folder is there: nobody wants to learn that after the
  /// work is done.
  [[nodiscard]] Result<Ok> check_out() const {
    std::error_code ec;
    const std::filesystem::path folder = std::filesystem::path(out_).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, ec)) {
      return not_found("--out {}: there is no folder {}{}", out_, folder.string(),
                       path_hint(folder.string()));
    }
    for (const std::string& file : votes_.files()) {
      if (!out_.empty() && std::filesystem::equivalent(file, out_, ec)) {
        return invalid_argument("--out {} is one of the vote files; name another", out_);
      }
    }
    return Ok{};
  }

  /// Takes the table out of `votes` unless groups need it too.
  Result<Ok> rate_all(rank::VoteFile& votes,
                      const rank::AnalysisOptions& options,
                      RankOutput& output) const {
    RankedGroup all{.votes = votes.table.battle_count()};
    auto analysis = by_.empty() ? rank::analyse(std::move(votes.table), options)
                                : rank::analyse(votes.table, options);
    if (!analysis && by_.empty()) {
      return in_context(std::move(analysis).error(), join(votes_.files(), ", "));
    }
    put(std::move(analysis), all);
    output.groups.push_back(std::move(all));
    return by_.empty() ? Result<Ok>(Ok{}) : rate_groups(votes, options, output);
  }

  /// One leaderboard for each value of the column, the largest group first.
  Result<Ok> rate_groups(const rank::VoteFile& votes,
                         rank::AnalysisOptions options,
                         RankOutput& output) const {
    const rank::VoteColumn& column = votes.kept.front();
    constexpr size_t kMostGroups = 1000;
    if (column.values.size() > kMostGroups) {
      return invalid_argument("--by {}: the column has {} values; at most {} make a group each",
                              by_, column.values.size(), kMostGroups);
    }
    std::vector<std::vector<uint32_t>> rows(column.values.size());
    for (size_t i = 0; i < column.ids.size(); ++i) {
      rows[static_cast<size_t>(column.ids[i])].push_back(static_cast<uint32_t>(i));
    }
    std::vector<size_t> order(rows.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t x, size_t y) { return rows[x].size() > rows[y].size(); });
    options.min_votes = std::max<int64_t>(options.min_votes, 1);
    for (const size_t i : order) {
      RankedGroup group{.name = group_name(column, i),
                        .votes = static_cast<int64_t>(rows[i].size())};
      put(rank::analyse(votes.table.subset(rows[i]), options), group);
      output.groups.push_back(std::move(group));
    }
    return Ok{};
  }

  /// A value of the column; what stands for none is no value that the column has.
  static std::string group_name(const rank::VoteColumn& column, size_t value) {
    std::string name = column.values.name(static_cast<int32_t>(value));
    if (name.empty()) {
      for (name = "(empty)"; column.values.find(name);) {
        name = "(" + name + ")";
      }
    }
    return name;
  }

  static void put(Result<rank::Analysis>&& analysis, RankedGroup& group) {
    if (analysis) {
      group.analysis = std::move(*analysis);
    } else {
      group.failure = analysis.error().message;
    }
  }

  void add_warnings(const rank::VoteFile& votes, RankOutput& output) const {
    output.warnings = reading_warnings(votes);
    constexpr size_t kMostOfGroups = 5;
    std::vector<std::string> of_groups;
    for (const RankedGroup& group : output.groups) {
      const std::string name = group.name.empty() ? "" : format("{} \"{}\"", by_, group.name);
      std::vector<std::string>& warnings = name.empty() ? output.warnings : of_groups;
      if (!group.analysis) {
        warnings.push_back(format("{} not rated: {}",
                                  name.empty() ? "all votes together were" : name + " was",
                                  group.failure));
        continue;
      }
      for (const std::string& note : group.analysis->notes) {
        warnings.push_back(name.empty() ? note : name + ": " + note);
      }
    }
    const size_t more = of_groups.size() - std::min(of_groups.size(), kMostOfGroups);
    of_groups.resize(of_groups.size() - more);
    output.warnings.insert(output.warnings.end(), of_groups.begin(), of_groups.end());
    if (more > 0) {
      output.warnings.push_back(format("{} more warnings of groups are not listed here", more));
    }
    if (few_rounds_) {
      output.warnings.emplace_back("fewer than 100 bootstrap rounds say little; take 1,000");
    }
  }

  [[nodiscard]] Result<int> write(const RankOutput& output) const {
    print_warnings(output.warnings);
    std::string text;
    if (format_ == "csv") {
      text = rank_csv(output);
    } else if (format_ == "json") {
      text = dump_json(rank_json(output), {.indent = 2}) + "\n";
    } else if (format_ == "html") {
      text = report::render_rank_page(rank_page(output));
    } else {
      text = rank_text(output);
    }
    if (out_.empty()) {
      print(text);
    } else {
      CUPEL_TRY_VOID(write_file_atomic(out_, text));
    }
    return 0;
  }

  VoteFlags votes_;
  std::string by_;
  std::string format_ = "table";
  std::string out_;
  bool few_rounds_ = false;
};

}  // namespace

CommandInfo rank() {
  return {.name = "rank",
          .group = "Measure",
          .summary = "Votes between models into a leaderboard with intervals",
          .examples =
              "  cupel rank votes.csv\n"
              "  cupel rank votes.jsonl.zst --ci bootstrap:1000 --cluster user --by language\n"
              "  cupel rank votes.parquet --method style --style length,headers,lists,bold\n"
              "  cupel rank votes.csv --format html --out leaderboard.html\n",
          .make = &make_command<Rank>};
}

}  // namespace cupel::cli::command
