#include "judge/summary.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "judge/summary_warnings.h"
#include "judge/verdict_reader.h"
#include "rank/leaderboard.h"
#include "rank/methods/registry.h"

namespace cupel::judge {
namespace {

// Counts one model's rows, apart from what the protocol makes of them.
class ModelCount {
 public:
  ModelCount(const RunMember& member, RunSummary& summary) : summary_(summary) {
    model_.name = member.name;
    model_.spec = member.spec;
    model_.is_control = member.is_control;
  }

  Result<Ok> add_answer(const Json& row) {
    CUPEL_TRY(const std::string reason, get_string(row, "finish_reason"));
    ++model_.answers;
    model_.truncated += reason == "length" ? 1 : 0;
    return Ok{};
  }

  Result<Ok> add(const JudgedItem& judged) {
    const auto& [item, outcome] = judged;
    ++model_.verdicts;
    model_.invalid += outcome.valid() ? 0 : 1;
    if (outcome.valid()) {
      CUPEL_TRY_VOID(add_judge_score(outcome, format("{}", item.question->id), item.turn));
    }
    for (const ItemVerdict& point : outcome.items) {
      DeciderSummary& side = point.by_program ? model_.programs : model_.judge;
      (point.verdict == Verdict::kYes      ? side.yes
       : point.verdict == Verdict::kNo     ? side.no
       : point.verdict == Verdict::kUnsure ? side.unsure
                                           : side.invalid) += 1;
      (point.by_program ? program_mass_ : judge_mass_) += point.probability.value_or(0.5);
    }
    return Ok{};
  }

  ModelSummary take() {
    finish_score(model_.programs, program_mass_);
    finish_score(model_.judge, judge_mass_);
    return std::move(model_);
  }

 private:
  Result<Ok> add_judge_score(const Outcome& outcome, const std::string& question, int turn) {
    double mass = 0;
    size_t items = 0;
    for (const ItemVerdict& item : outcome.items) {
      if (!item.by_program) {
        mass += item.probability.value_or(0.5);
        ++items;
      }
    }
    if (items == 0 || items == outcome.items.size()) {
      return Ok{};
    }
    return summary_.judge_scores.add(model_.name, question, turn,
                                     9 * mass / static_cast<double>(items) + 1);
  }

  static void finish_score(DeciderSummary& side, double mass) {
    if (side.count() > side.invalid) {
      side.score = 9 * mass / static_cast<double>(side.count()) + 1;
    }
  }

  RunSummary& summary_;
  ModelSummary model_;
  double program_mass_ = 0;
  double judge_mass_ = 0;
};

ModelSummary* find_model(RunSummary& summary, const std::string& name) {
  const auto found = std::find_if(summary.models.begin(), summary.models.end(),
                                  [&](const ModelSummary& m) { return m.name == name; });
  return found == summary.models.end() ? nullptr : &*found;
}

Result<Ok> add_scores(RunSummary& summary) {
  const rank::ScoreOptions options{.seed = summary.settings.seed};
  CUPEL_TRY(const auto rows, rank::score_leaderboard(summary.scores, options));
  std::vector<ModelSummary> ordered;
  for (const rank::ScoreRow& row : rows) {
    ModelSummary* model = find_model(summary, row.model);
    CUPEL_CHECK(model != nullptr);
    model->score = row;
    ordered.push_back(std::move(*model));
  }
  summary.models = std::move(ordered);
  for (size_t i = 1; i < summary.models.size(); ++i) {
    RunSummary::Difference difference{.a = summary.models[0].name, .b = summary.models[i].name};
    CUPEL_TRY(const auto paired,
              difference_of(summary.scores, difference.a, difference.b, options));
    if (paired) {
      difference.paired = *paired;
      summary.differences.push_back(std::move(difference));
    }
  }
  return Ok{};
}

Result<Ok> add_ratings(RunSummary& summary) {
  if (summary.models.size() < 2 || summary.comparisons.rows() == 0) {
    return Ok{};  // nobody to compare with
  }
  CUPEL_TRY(const rank::RatingMethod* method, rank::find_rating_method("bradley_terry"));
  rank::LeaderboardOptions options;
  options.intervals = rank::IntervalKind::kBootstrap;
  options.bootstrap.seed = summary.settings.seed;
  options.rating.settings = {{.name = "ridge", .value = kRatingRidge}};
  CUPEL_TRY(const auto board, rank::make_leaderboard(*method, summary.comparisons, options));
  for (const rank::LeaderboardRow& row : board.rows) {
    if (ModelSummary* model = find_model(summary, row.model)) {
      model->rating = row.rating;
      model->rating_interval = row.interval;
    }
  }
  return Ok{};
}

// Builds a summary's models and tables from the rows.
class Summariser {
 public:
  Summariser(const Benchmark& benchmark,
             const RunFolder& run,
             const Protocol& protocol,
             RunSummary& summary)
      : run_(run),
        protocol_(protocol),
        reader_(benchmark, run, summary.judge, protocol),
        summary_(summary),
        scope_(judge_scope(benchmark, run)) {}

  // Models that miss rows stay out as long as any model has all of its own: means over different
  // questions compare nothing. A run that was stopped before that shows what there is, and says so.
  // True: it is so here.
  Result<bool> collect(Coverage coverage) {
    const auto tallies = reader_.tally(scope_.models);
    for (const auto& [model, tally] : tallies) {
      done_verdicts_ += tally.done;
    }
    std::vector<std::string> complete = reader_.complete_models();
    for (const std::string& model : scope_.models) {
      if (!contains(complete, model)) {
        summary_.incomplete.push_back(model);
      }
    }
    bool partial = coverage == Coverage::kLive;
    if (!partial) {
      CUPEL_TRY_VOID(take(std::move(complete)));
      partial = summary_.models.empty();
    }
    if (partial) {
      CUPEL_TRY_VOID(take(scope_.models));
    }
    add_coverage_warnings(tallies);
    if (summary_.models.empty()) {
      return no_models();
    }
    return partial;
  }

 private:
  static bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  // Sums up these models. Those without a valid score, alone or against the others, drop out.
  Result<Ok> take(std::vector<std::string> models) {
    while (true) {
      CUPEL_TRY(summary_.judged, reader_.read(models));
      CUPEL_TRY(Standings standings, protocol_.aggregate(summary_.judged));
      const size_t before = models.size();
      std::erase_if(models, [&](const std::string& model) {
        const auto& cells = standings.scores.cells(model);
        return std::all_of(cells.begin(), cells.end(),
                           [](const auto& cell) { return cell.second.missing; });
      });
      if (models.empty()) {
        rejected_ = summary_.judged;
      }
      if (models.size() == before || models.empty()) {
        summary_.scores = std::move(standings.scores);
        summary_.comparisons = std::move(standings.comparisons);
        notes_ = std::move(standings.notes);
        break;
      }
    }
    for (const RunMember& member : run_.models()) {
      if (contains(models, member.name)) {
        CUPEL_TRY_VOID(count(member));
      }
    }
    return Ok{};
  }

  Result<Ok> count(const RunMember& member) {
    ModelCount count(member, summary_);
    for (const Question* question : scope_.questions) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        if (const Json* row = run_.journal().find(answer_key(member.name, question->id, turn))) {
          CUPEL_TRY_VOID(count.add_answer(*row));
        }
      }
    }
    for (const JudgedItem& judged : summary_.judged) {
      for (const Side& side : judged.item.sides) {
        if (side.model == member.name) {
          CUPEL_TRY_VOID(count.add(judged));
        }
      }
    }
    summary_.models.push_back(count.take());
    add_categories(summary_.models.back());
    return Ok{};
  }

  void add_categories(ModelSummary& model) const {
    std::map<std::string, std::string> category_of;
    for (const Question* question : scope_.questions) {
      category_of[format("{}", question->id)] = question->category;
    }
    std::map<std::string, std::pair<double, double>> sums;
    for (const auto& [key, cell] : summary_.scores.cells(model.name)) {
      if (!cell.missing) {
        auto& [sum, count] = sums[category_of[key.first]];
        sum += cell.score;
        count += 1;
      }
    }
    for (const auto& [category, sum] : sums) {
      model.categories[category] = sum.first / sum.second;
    }
  }

  void add_coverage_warnings(const std::map<std::string, VerdictReader::Tally>& tallies) {
    for (const std::string& name : scope_.models) {
      const bool shown = std::any_of(summary_.models.begin(), summary_.models.end(),
                                     [&](const ModelSummary& m) { return m.name == name; });
      const VerdictReader::Tally& tally = tallies.at(name);
      if (contains(summary_.incomplete, name)) {
        summary_.warnings.push_back(
            shown ? format("The run is not complete: {} has {} of {} verdicts, and its numbers are "
                           "of these alone.",
                           name, tally.done, tally.total)
                  : format("{} is left out: it has {} of {} verdicts of this judge and protocol.",
                           name, tally.done, tally.total));
      } else if (!shown) {
        summary_.warnings.push_back(
            format("{} is left out: none of its {} has a valid verdict.", name, protocol_.unit));
      }
    }
    summary_.warnings.insert(summary_.warnings.end(), notes_.begin(), notes_.end());
  }

  [[nodiscard]] Error no_models() const {
    if (done_verdicts_ == 0) {
      std::vector<std::string> judges;
      for (const RunMember& judge : run_.judges()) {
        judges.push_back(judge.name);
      }
      return failed_precondition(
          "{}: holds no verdict of judge \"{}\" by protocol {}; its judges are {}, and the last "
          "evaluation was {} by {}",
          run_.path(), printable(summary_.judge), protocol_.name, join(judges, ", "),
          run_.last_judge(), run_.last_protocol());
    }
    if (summary_.incomplete.empty()) {
      return failed_precondition("{}: none of the {} has a valid verdict{}", run_.path(),
                                 protocol_.unit, commonest_reason());
    }
    return failed_precondition("{}: no model has a valid verdict yet; run cupel eval to the end",
                               run_.path());
  }

  // ": in 12 of 16 …", or nothing.
  [[nodiscard]] std::string commonest_reason() const {
    std::map<std::string, size_t> counts;
    for (const JudgedItem& judged : rejected_) {
      if (const auto* invalid = std::get_if<Invalid>(&judged.outcome.judged)) {
        ++counts[invalid->reason];
      }
    }
    const auto most =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == counts.end()
               ? ""
               : format(": in {} of {}, {}", most->second, rejected_.size(), most->first);
  }

  const RunFolder& run_;
  const Protocol& protocol_;
  VerdictReader reader_;
  RunSummary& summary_;
  JudgeScope scope_;
  std::vector<std::string> notes_;
  int64_t done_verdicts_ = 0;
  std::vector<JudgedItem> rejected_;  // what was judged when no model had a valid verdict
};

Result<Ok> add_costs(const Benchmark& benchmark, const RunFolder& run, RunSummary& summary) {
  CUPEL_TRY(const RunCosts costs, count_costs(benchmark, run, summary.judge, summary.protocol));
  for (ModelSummary& model : summary.models) {
    model.usage = costs.models.at(model.name);
  }
  summary.judge_usage = costs.judge;
  summary.total_cost = costs.total;
  summary.prices = run.prices();
  return Ok{};
}

}  // namespace

Result<std::optional<rank::PairedDifference>> difference_of(const rank::ScoreTable& scores,
                                                            const std::string& a,
                                                            const std::string& b,
                                                            const rank::ScoreOptions& options) {
  auto paired = rank::paired_difference(scores, a, b, options);
  if (!paired && paired.error().code == Code::kFailedPrecondition) {
    return std::optional<rank::PairedDifference>();
  }
  CUPEL_TRY(rank::PairedDifference difference, std::move(paired));
  return std::optional(difference);
}

bool any_undecided(const RunSummary& summary) {
  return std::any_of(summary.models.begin(), summary.models.end(),
                     [](const ModelSummary& model) { return model.judge.undecided() > 0; });
}

Result<RunSummary> summarise(const Benchmark& benchmark,
                             const RunFolder& run,
                             const std::string& judge,
                             const std::string& protocol_name,
                             Coverage coverage) {
  CUPEL_TRY(const Protocol* protocol, find_protocol(protocol_name));
  RunSummary summary{.benchmark = benchmark.name,
                     .title = benchmark.title,
                     .protocol = protocol_name,
                     .judge = judge,
                     .baseline = protocol->takes_baseline ? run.last_baseline() : "",
                     .method = std::string(protocol->method),
                     .scale = protocol->scale,
                     .settings = run.settings()};
  for (const Question* question : run_questions(benchmark, run.settings().limit)) {
    summary.rows_per_model += static_cast<int64_t>(question->turns.size());
    if (std::find(summary.categories.begin(), summary.categories.end(), question->category) ==
        summary.categories.end()) {
      summary.categories.push_back(question->category);
    }
  }
  CUPEL_TRY(const bool partial, Summariser(benchmark, run, *protocol, summary).collect(coverage));
  CUPEL_TRY_VOID(add_costs(benchmark, run, summary));
  CUPEL_TRY_VOID(add_scores(summary));
  if (coverage == Coverage::kLive) {
    return summary;
  }
  if (!partial) {
    CUPEL_TRY_VOID(add_ratings(summary));
  }
  CUPEL_TRY_VOID(add_warnings(run, *protocol, partial, summary));
  return summary;
}

}  // namespace cupel::judge
