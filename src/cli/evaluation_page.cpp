#include "cli/evaluation_page.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "cli/evaluation_text.h"
#include "report/numbers.h"

namespace cupel::cli {
namespace {

report::Verdict to_report(judge::Verdict verdict) {
  switch (verdict) {
    case judge::Verdict::kYes:
      return report::Verdict::kYes;
    case judge::Verdict::kNo:
      return report::Verdict::kNo;
    case judge::Verdict::kUnsure:
      return report::Verdict::kUnsure;
    case judge::Verdict::kInvalid:
      return report::Verdict::kInvalid;
  }
  return report::Verdict::kInvalid;
}

report::Estimate estimate(double value, const std::optional<numeric::Interval>& interval) {
  report::Estimate estimate{.value = value};
  if (interval) {
    estimate.interval = {.low = interval->low, .high = interval->high};
  }
  return estimate;
}

report::Decisions decisions(const judge::DeciderSummary& side) {
  return {.count = side.count(),
          .yes = side.yes,
          .no = side.no,
          .unsure = side.unsure,
          .invalid = side.invalid,
          .score = side.score};
}

report::CallUsage call_usage(const judge::ModelUsage& usage) {
  return {.calls = usage.calls,
          .cached_calls = usage.cached_calls,
          .prompt_tokens = usage.prompt_tokens,
          .completion_tokens = usage.completion_tokens,
          .tokens_per_second = usage.tokens_per_second().value_or(0),
          .seconds = usage.seconds,
          .cost = usage.cost};
}

void add_costs(const judge::RunSummary& summary, report::EvaluationPage& page) {
  page.judge = summary.judge;
  if (summary.judge_usage.any()) {
    page.judge_usage = call_usage(summary.judge_usage);
  }
  page.total_cost = summary.total_cost;
  if (any_cached_answer(summary) || summary.judge_usage.cached_calls > 0) {
    page.cost_notes.emplace_back(
        "Cached calls were answered by an equal call of the run, as when two contenders are the "
        "same model: they took no tokens, no time and no money.");
  }
  if (!summary.prices.empty()) {
    page.cost_notes.push_back(
        format("Costs are tokens times the given prices of a million prompt and completion tokens: "
               "{}.",
               prices_text(summary.prices)));
  }
  if (summary.total_cost) {
    page.cost_notes.push_back(format(
        "The whole run has cost {}: every answer and verdict in its folder counts, also those that "
        "are not shown here.",
        report::money_text(*summary.total_cost)));
  }
}

report::LeaderboardRow row_of(const judge::ModelSummary& model,
                              const std::vector<std::string>& categories) {
  report::LeaderboardRow row{.rank = static_cast<int>(model.score.rank),
                             .model = model.name,
                             .description = model.spec,
                             .is_control = model.is_control};
  row.score = estimate(model.score.mean, model.score.interval);
  if (model.rating) {
    row.rating = estimate(*model.rating, model.rating_interval);
  }
  row.by_program = decisions(model.programs);
  row.by_judge = decisions(model.judge);
  for (const std::string& category : categories) {
    const auto found = model.categories.find(category);
    row.category_scores.push_back(
        found == model.categories.end() ? std::nullopt : std::optional<double>(found->second));
  }
  row.answers = model.answers;
  row.truncated = model.truncated;
  row.usage = call_usage(model.usage);
  return row;
}

// What the judge said of an answer; of one that it compared with others, whom it read in which
// order.
void add_outcome(const judge::JudgedItem& judged, report::AnswerView& view) {
  const judge::Outcome& outcome = judged.outcome;
  if (const auto score = outcome.score()) {
    view.score = score;
  }
  std::string text = outcome.valid() ? outcome.judgment : "Invalid: " + outcome.invalid_reason();
  if (judged.item.sides.size() > 1) {
    std::string names;
    for (const judge::Side& side : judged.item.sides) {
      names += (names.empty() ? "" : ", then ") + side.model;
    }
    text = names + ": " + text;
  }
  view.judge_text += (view.judge_text.empty() ? "" : "\n\n") + text;
  for (const judge::ItemVerdict& item : outcome.items) {
    view.items.push_back(
        {.question = item.question,
         .decided_by = item.by_program ? report::DecidedBy::kProgram : report::DecidedBy::kJudge,
         .verdict = to_report(item.verdict),
         .probability = item.probability});
  }
}

// What was judged, by question and turn.
using JudgedTurns = std::map<std::pair<int64_t, int>, std::vector<const judge::JudgedItem*>>;

Result<report::AnswerView> answer_view(const judge::RunFolder& run,
                                       const JudgedTurns& judged_turns,
                                       const std::string& model,
                                       int64_t question,
                                       int turn) {
  report::AnswerView view{.model = model};
  if (const Json* answer = run.journal().find(judge::answer_key(model, question, turn))) {
    CUPEL_TRY(view.text, get_string(*answer, "text"));
    CUPEL_TRY(view.finish_reason, get_string(*answer, "finish_reason"));
    view.truncated = view.finish_reason == "length";
  }
  const auto here = judged_turns.find({question, turn});
  if (here == judged_turns.end()) {
    return view;
  }
  for (const judge::JudgedItem* judged : here->second) {
    const auto& sides = judged->item.sides;
    if (std::any_of(sides.begin(), sides.end(),
                    [&](const judge::Side& side) { return side.model == model; })) {
      add_outcome(*judged, view);
    }
  }
  return view;
}

Result<Ok> add_questions(const judge::Benchmark& benchmark,
                         const judge::RunFolder& run,
                         const judge::RunSummary& summary,
                         report::EvaluationPage& page) {
  JudgedTurns judged_turns;
  for (const judge::JudgedItem& judged : summary.judged) {
    judged_turns[{judged.item.question->id, judged.item.turn}].push_back(&judged);
  }
  for (const judge::Question* question : judge::run_questions(benchmark, summary.settings.limit)) {
    report::QuestionView view{.id = format("{}", question->id), .category = question->category};
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      report::TurnView turn_view{.prompt = question->turns[static_cast<size_t>(turn - 1)]};
      if (const std::string* reference = benchmark.reference(question->id, turn)) {
        turn_view.reference = *reference;
      }
      for (const judge::ModelSummary& model : summary.models) {
        CUPEL_TRY(report::AnswerView answer,
                  answer_view(run, judged_turns, model.name, question->id, turn));
        turn_view.answers.push_back(std::move(answer));
      }
      view.turns.push_back(std::move(turn_view));
    }
    page.questions.push_back(std::move(view));
  }
  return Ok{};
}

std::vector<std::string> method_notes(const judge::RunSummary& summary) {
  return {
      summary.method,
      "Intervals are 95% percentiles of 2,000 bootstrap resamples of whole questions, the same for "
      "all models, expanded for the number of questions and absent below six; differences are "
      "paired. A rank is 1 + the number of models shown to be better, by a "
      "paired difference whose interval lies above zero: models may share one.",
      format(
          "Ratings are Bradley–Terry strengths on the Elo scale from per-turn comparisons (scores "
          "within 0.1 tie), with a ridge of {} so that a model that loses everything still has a "
          "number.",
          judge::kRatingRidge)};
}

report::RunFact judge_fact(const judge::RunFolder& run, const judge::RunSummary& summary) {
  for (const judge::RunMember& member : run.judges()) {
    if (member.name == summary.judge) {
      return {.name = "Judge", .value = member.spec, .hash = member.fingerprint};
    }
  }
  return {.name = "Judge", .value = summary.judge};
}

// When the answers were given, in UTC.
std::string evaluated_at(const judge::Benchmark& benchmark,
                         const judge::RunFolder& run,
                         const judge::RunSummary& summary) {
  double first = 0;
  double last = 0;
  for (const judge::ModelSummary& model : summary.models) {
    for (const judge::Question* question :
         judge::run_questions(benchmark, summary.settings.limit)) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        const Json* row = run.journal().find(judge::answer_key(model.name, question->id, turn));
        const Json* ended = row == nullptr ? nullptr : row->find("ended");
        if (ended != nullptr && ended->is_number()) {
          first = first == 0 ? ended->as_double() : std::min(first, ended->as_double());
          last = std::max(last, ended->as_double());
        }
      }
    }
  }
  const std::string from = utc_timestamp(first);
  const std::string to = utc_timestamp(last);
  return from == to ? from : from + " to " + to;
}

}  // namespace

Result<report::EvaluationPage> evaluation_page(const judge::Benchmark& benchmark,
                                               const judge::RunFolder& run,
                                               const judge::RunSummary& summary) {
  report::EvaluationPage page;
  page.title = summary.title;
  page.subtitle = format("{} questions, {} models, protocol {}, judge {}",
                         judge::run_questions(benchmark, summary.settings.limit).size(),
                         summary.models.size(), summary.protocol, summary.judge);
  page.scale = {.name = std::string(summary.scale.name),
                .low = summary.scale.low,
                .high = summary.scale.high,
                .decimals = 2};
  page.categories = summary.categories;
  for (const judge::ModelSummary& model : summary.models) {
    page.leaderboard.push_back(row_of(model, summary.categories));
  }
  for (const judge::RunSummary::Difference& d : summary.differences) {
    page.differences.push_back(
        {.model = d.b, .difference = estimate(d.paired.difference, d.paired.interval)});
  }
  add_costs(summary, page);
  for (const std::string& warning : summary.warnings) {
    page.notes.push_back({.level = report::NoteLevel::kWarning, .text = warning});
  }
  for (const judge::ModelSummary& model : summary.models) {
    if (model.judge.undecided() > 0) {
      page.notes.push_back(
          {.level = report::NoteLevel::kInfo,
           .text =
               format("{}: {} of {} judge items are undecided (neither Yes nor No); each counts "
                      "half.",
                      model.name, model.judge.undecided(), model.judge.count())});
    }
  }
  const size_t asked = judge::run_questions(benchmark, summary.settings.limit).size();
  const size_t all = benchmark.questions.size();
  page.metadata = {{"Benchmark", format("{} ({})", benchmark.name, benchmark.license)},
                   {"Benchmark hash", "", benchmark.fingerprint},
                   {"Questions", asked == all ? format("all {}", all)
                                              : format("the first {} of {}", asked, all)},
                   {"Evaluated", evaluated_at(benchmark, run, summary)},
                   {"Protocol", summary.protocol},
                   judge_fact(run, summary),
                   {"Seed", format("{}", summary.settings.seed)},
                   {"Longest answer", format("{} tokens", summary.settings.max_tokens)},
                   {"Cupel", CUPEL_VERSION}};
  if (!summary.baseline.empty()) {
    page.metadata.push_back({.name = "Baseline", .value = summary.baseline});
  }
  for (const judge::RunMember& member : run.models()) {
    page.metadata.push_back(
        {.name = member.name, .value = member.spec, .hash = member.fingerprint});
  }
  page.method = method_notes(summary);
  CUPEL_TRY_VOID(add_questions(benchmark, run, summary, page));
  return page;
}

Result<Ok> write_reports(const judge::Benchmark& benchmark,
                         const judge::RunFolder& run,
                         const judge::RunSummary& summary) {
  CUPEL_TRY(const report::EvaluationPage page, evaluation_page(benchmark, run, summary));
  CUPEL_TRY_VOID(
      write_file_atomic(run.path() + "/report.html", report::render_evaluation_page(page)));
  CUPEL_TRY_VOID(
      write_file_atomic(run.path() + "/report.json",
                        dump_json(judge::summary_to_json(summary), {.indent = 2}) + "\n"));
  return judge::export_fastchat(benchmark, run, summary);
}

}  // namespace cupel::cli
