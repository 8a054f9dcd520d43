#include "judge/summary.h"

#include <algorithm>

#include "base/error.h"
#include "rank/leaderboard.h"
#include "rank/methods/registry.h"

namespace cupel::judge {
namespace {

// Counts one model's rows.
class Collector {
 public:
  Collector(const Benchmark& benchmark, const RunFolder& run, RunSummary& summary)
      : benchmark_(benchmark),
        run_(run),
        summary_(summary),
        questions_(run_questions(benchmark, run.settings().limit)) {}

  [[nodiscard]] int64_t verdicts(const std::string& model) const {
    int64_t count = 0;
    for_each_turn([&](const Question& question, int turn) {
      count += find_verdict(model, question.id, turn) != nullptr ? 1 : 0;
    });
    return count;
  }

  [[nodiscard]] bool has_score(const std::string& model) const {
    bool any = false;
    for_each_turn([&](const Question& question, int turn) {
      const Json* verdict = find_verdict(model, question.id, turn);
      const Json* score = verdict == nullptr ? nullptr : verdict->find("score");
      any = any || (score != nullptr && score->is_number());
    });
    return any;
  }

  // Adds the model with whatever rows it has.
  Result<Ok> collect(const RunMember& member) {
    ModelSummary model{.name = member.name, .spec = member.spec, .is_control = member.is_control};
    for (const Question* question : questions_) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        if (const Json* row = run_.journal().find(answer_key(member.name, question->id, turn))) {
          CUPEL_TRY(const std::string reason, get_string(*row, "finish_reason"));
          ++model.answers;
          model.truncated += reason == "length" ? 1 : 0;
        }
        if (const Json* verdict = find_verdict(member.name, question->id, turn)) {
          CUPEL_TRY_VOID(add_verdict(*verdict, *question, turn, model));
        }
      }
    }
    for (const auto& [category, sums] : category_sums_) {
      model.categories[category] = sums.first / sums.second;
    }
    category_sums_.clear();
    finish_score(model.programs, program_mass_);
    finish_score(model.judge, judge_mass_);
    program_mass_ = judge_mass_ = 0;
    summary_.models.push_back(std::move(model));
    return Ok{};
  }

 private:
  [[nodiscard]] const Json* find_verdict(const std::string& model,
                                         int64_t question,
                                         int turn) const {
    return run_.journal().find(
        verdict_key(summary_.judge, summary_.protocol, model, question, turn));
  }

  template <typename Visit>
  void for_each_turn(Visit visit) const {
    for (const Question* question : questions_) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        visit(*question, turn);
      }
    }
  }

  Result<Ok> add_verdict(const Json& row, const Question& question, int turn, ModelSummary& model) {
    CUPEL_TRY(const Outcome outcome, outcome_from_json(row));
    const std::string id = format("{}", question.id);
    if (outcome.score) {
      CUPEL_TRY_VOID(summary_.scores.add(model.name, id, turn, *outcome.score));
      auto& sums = category_sums_[question.category];
      sums.first += *outcome.score;
      sums.second += 1;
    } else {
      CUPEL_TRY_VOID(summary_.scores.add_missing(model.name, id, turn));
      ++model.invalid;
    }
    CUPEL_TRY_VOID(add_judge_score(outcome, model.name, id, turn));
    for (const ItemVerdict& item : outcome.items) {
      DeciderSummary& side = item.by_program ? model.programs : model.judge;
      (item.verdict == Verdict::kYes      ? side.yes
       : item.verdict == Verdict::kNo     ? side.no
       : item.verdict == Verdict::kUnsure ? side.unsure
                                          : side.invalid) += 1;
      (item.by_program ? program_mass_ : judge_mass_) += item.probability.value_or(0.5);
    }
    return Ok{};
  }

  Result<Ok> add_judge_score(const Outcome& outcome,
                             const std::string& model,
                             const std::string& question,
                             int turn) {
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
    return summary_.judge_scores.add(model, question, turn,
                                     9 * mass / static_cast<double>(items) + 1);
  }

  static void finish_score(DeciderSummary& side, double mass) {
    if (side.count() > 0) {
      side.score = 9 * mass / static_cast<double>(side.count()) + 1;
    }
  }

  const Benchmark& benchmark_;
  const RunFolder& run_;
  RunSummary& summary_;
  std::vector<const Question*> questions_;
  std::map<std::string, std::pair<double, double>> category_sums_;
  double program_mass_ = 0;
  double judge_mass_ = 0;
};

ModelSummary* find_model(RunSummary& summary, const std::string& name) {
  const auto found = std::find_if(summary.models.begin(), summary.models.end(),
                                  [&](const ModelSummary& m) { return m.name == name; });
  return found == summary.models.end() ? nullptr : &*found;
}

// Nothing where the two share no question with valid scores: there is no difference to state.
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
  if (summary.models.size() < 2) {
    return Ok{};
  }
  auto comparisons = rank::battles_from_scores(summary.scores);
  if (!comparisons && comparisons.error().code == Code::kFailedPrecondition) {
    return Ok{};  // no two models have valid scores of one answer each: nobody to compare with
  }
  CUPEL_TRY(const rank::BattleTable battles, std::move(comparisons));
  CUPEL_TRY(const rank::RatingMethod* method, rank::find_rating_method("bradley_terry"));
  rank::LeaderboardOptions options;
  options.intervals = rank::IntervalKind::kBootstrap;
  options.bootstrap.seed = summary.settings.seed;
  options.rating.settings = {{.name = "ridge", .value = kRatingRidge}};
  CUPEL_TRY(const auto board, rank::make_leaderboard(*method, battles, options));
  for (const rank::LeaderboardRow& row : board.rows) {
    if (ModelSummary* model = find_model(summary, row.model)) {
      model->rating = row.rating;
      model->rating_interval = row.interval.value_or(numeric::Interval{row.rating, row.rating});
    }
  }
  return Ok{};
}

std::string percent(int64_t part, int64_t whole) {
  return format("{:.0f}%",
                whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0);
}

// Whether the judge's own items tell the leader from each control; where they do not, the table
// rests on what programs decided.
Result<Ok> add_judge_warnings(RunSummary& summary) {
  const std::string& leader = summary.models.front().name;
  for (const ModelSummary& control : summary.models) {
    const bool judged =
        summary.judge_scores.has_model(leader) && summary.judge_scores.has_model(control.name);
    if (!control.is_control || control.name == leader || !judged) {
      continue;
    }
    CUPEL_TRY(const auto d, difference_of(summary.judge_scores, leader, control.name,
                                          {.seed = summary.settings.seed}));
    if (d && d->interval && d->interval->low <= 0) {
      summary.warnings.push_back(format(
          "The judge alone is too weak here: by its own items {} and the null model {} differ by "
          "{:+.2f} (95%: {:+.2f} to {:+.2f}); the ranking rests on what programs decided.",
          leader, control.name, d->difference, d->interval->low, d->interval->high));
    }
  }
  return Ok{};
}

// What readers must know before they believe the table.
void add_quality_warnings(RunSummary& summary) {
  for (const ModelSummary& model : summary.models) {
    if (model.invalid > 0) {
      summary.warnings.push_back(format("{}: {} of {} answers have no valid verdict ({}).",
                                        model.name, model.invalid, model.answers,
                                        percent(model.invalid, model.answers)));
    }
    if (10 * model.truncated > model.answers) {
      summary.warnings.push_back(format("{}: {} of {} answers were cut by the length limit ({}).",
                                        model.name, model.truncated, model.answers,
                                        percent(model.truncated, model.answers)));
    }
  }
}

void add_control_warnings(RunSummary& summary) {
  for (const ModelSummary& control : summary.models) {
    if (!control.is_control) {
      continue;
    }
    for (const ModelSummary& model : summary.models) {
      if (model.is_control) {
        continue;
      }
      if (model.score.mean <= control.score.mean) {
        summary.warnings.push_back(
            format("{} does not beat the null model {}.", model.name, control.name));
      }
    }
  }
}

bool is_shown(const RunSummary& summary, const std::string& name) {
  return std::any_of(summary.models.begin(), summary.models.end(),
                     [&](const ModelSummary& m) { return m.name == name; });
}

// Models that miss rows stay out as long as any model has all of its own: means over different
// questions compare nothing. A run that was stopped before that shows what there is, and says so.
// True: it is so here.
Result<bool> collect_models(const RunFolder& run,
                            Coverage coverage,
                            Collector& collector,
                            RunSummary& summary) {
  std::vector<const RunMember*> complete;
  std::vector<const RunMember*> scored;
  for (const RunMember& member : run.models()) {
    const bool whole = collector.verdicts(member.name) == summary.rows_per_model;
    const bool has_score = collector.has_score(member.name);
    if (!whole) {
      summary.incomplete.push_back(member.name);
    }
    if (whole && !has_score) {
      summary.warnings.push_back(
          format("{} is left out: none of its answers has a valid verdict.", member.name));
    }
    if (has_score) {
      scored.push_back(&member);
      if (whole) {
        complete.push_back(&member);
      }
    }
  }
  const bool partial = coverage == Coverage::kLive || complete.empty();
  for (const RunMember* member : partial ? scored : complete) {
    CUPEL_TRY_VOID(collector.collect(*member));
  }
  for (const std::string& name : summary.incomplete) {
    const int64_t verdicts = collector.verdicts(name);
    summary.warnings.push_back(
        is_shown(summary, name)
            ? format("The run is not complete: {} has {} of {} verdicts, and its numbers are of "
                     "these alone.",
                     name, verdicts, summary.rows_per_model)
            : format("{} is left out: it has {} of {} verdicts of this judge and protocol.", name,
                     verdicts, summary.rows_per_model));
  }
  if (summary.models.empty() && summary.incomplete.empty()) {
    return failed_precondition(
        "{}: none of the answers has a valid verdict; \"invalid_reason\" in results.jsonl says why",
        run.path());
  }
  if (summary.models.empty()) {
    return failed_precondition("{}: no model has a valid verdict yet; run cupel eval to the end",
                               run.path());
  }
  return partial;
}

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

Result<RunSummary> summarise(const Benchmark& benchmark,
                             const RunFolder& run,
                             const std::string& judge,
                             const std::string& protocol,
                             Coverage coverage) {
  RunSummary summary{.benchmark = benchmark.name,
                     .title = benchmark.title,
                     .protocol = protocol,
                     .judge = judge,
                     .settings = run.settings()};
  for (const Question* question : run_questions(benchmark, run.settings().limit)) {
    summary.rows_per_model += static_cast<int64_t>(question->turns.size());
    if (std::find(summary.categories.begin(), summary.categories.end(), question->category) ==
        summary.categories.end()) {
      summary.categories.push_back(question->category);
    }
  }
  Collector collector(benchmark, run, summary);
  CUPEL_TRY(const bool partial, collect_models(run, coverage, collector, summary));
  CUPEL_TRY_VOID(add_costs(benchmark, run, summary));
  CUPEL_TRY_VOID(add_scores(summary));
  if (coverage == Coverage::kLive) {
    return summary;
  }
  if (!partial) {
    CUPEL_TRY_VOID(add_ratings(summary));
    CUPEL_TRY_VOID(add_judge_warnings(summary));
    add_control_warnings(summary);
  }
  add_quality_warnings(summary);
  return summary;
}

}  // namespace cupel::judge
