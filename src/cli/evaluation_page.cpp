#include "cli/evaluation_page.h"

#include "base/error.h"
#include "base/io.h"

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
  return {.value = value,
          .ci_low = interval ? interval->low : value,
          .ci_high = interval ? interval->high : value};
}

report::Decisions decisions(const judge::DeciderSummary& side) {
  return {.count = side.count(),
          .yes = side.yes,
          .no = side.no,
          .unsure = side.unsure,
          .invalid = side.invalid,
          .score = side.score};
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
  row.prompt_tokens = model.prompt_tokens;
  row.completion_tokens = model.completion_tokens;
  row.seconds = model.seconds;
  row.tokens_per_second =
      model.seconds > 0 ? static_cast<double>(model.completion_tokens) / model.seconds : 0;
  row.cost = model.cost;
  return row;
}

Result<report::AnswerView> answer_view(const judge::RunFolder& run,
                                       const judge::RunSummary& summary,
                                       const std::string& model,
                                       int64_t question,
                                       int turn) {
  report::AnswerView view{.model = model};
  if (const Json* answer = run.journal().find(judge::answer_key(model, question, turn))) {
    CUPEL_TRY(view.text, get_string(*answer, "text"));
    CUPEL_TRY(view.finish_reason, get_string(*answer, "finish_reason"));
    view.truncated = view.finish_reason == "length";
  }
  const Json* verdict = run.journal().find(
      judge::verdict_key(summary.judge, summary.protocol, model, question, turn));
  if (verdict != nullptr) {
    CUPEL_TRY(const judge::Outcome outcome, judge::outcome_from_json(*verdict));
    view.score = outcome.score;
    view.judge_text =
        outcome.invalid_reason.empty() ? outcome.judgment : "Invalid: " + outcome.invalid_reason;
    for (const judge::ItemVerdict& item : outcome.items) {
      view.items.push_back(
          {.question = item.question,
           .decided_by = item.by_program ? report::DecidedBy::kProgram : report::DecidedBy::kJudge,
           .verdict = to_report(item.verdict),
           .probability = item.probability});
    }
  }
  return view;
}

Result<Ok> add_questions(const judge::Benchmark& benchmark,
                         const judge::RunFolder& run,
                         const judge::RunSummary& summary,
                         report::EvaluationPage& page) {
  for (const judge::Question* question : judge::run_questions(benchmark, summary.settings.limit)) {
    report::QuestionView view{.id = format("{}", question->id), .category = question->category};
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      report::TurnView turn_view{.prompt = question->turns[static_cast<size_t>(turn - 1)]};
      if (const std::string* reference = benchmark.reference(question->id, turn)) {
        turn_view.reference = *reference;
      }
      for (const judge::ModelSummary& model : summary.models) {
        CUPEL_TRY(report::AnswerView answer,
                  answer_view(run, summary, model.name, question->id, turn));
        turn_view.answers.push_back(std::move(answer));
      }
      view.turns.push_back(std::move(turn_view));
    }
    page.questions.push_back(std::move(view));
  }
  return Ok{};
}

std::vector<std::string> method_notes() {
  return {
      "The score of an answer lies between 1 and 10. With the checklist protocol it is 9 times the "
      "mean probability of Yes over its items, plus 1; an item that a program decides counts 1 or "
      "0.",
      "Intervals are 95% percentiles of 2,000 bootstrap resamples of whole questions, the same for "
      "all "
      "models; differences are paired. Models share a rank unless their paired difference excludes "
      "zero.",
      format(
          "Ratings are Bradley-Terry strengths on the Elo scale from per-turn comparisons (scores "
          "within 0.1 tie), with a ridge of {} so that a model that loses everything still has a "
          "number.",
          judge::kRatingRidge)};
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
  page.scale = {.name = "score", .low = 1, .high = 10, .decimals = 2};
  page.categories = summary.categories;
  for (const judge::ModelSummary& model : summary.models) {
    page.leaderboard.push_back(row_of(model, summary.categories));
  }
  for (const judge::RunSummary::Difference& d : summary.differences) {
    page.differences.push_back(
        {.model = d.b, .difference = estimate(d.paired.difference, d.paired.interval)});
  }
  for (const std::string& warning : summary.warnings) {
    page.notes.push_back({.level = report::NoteLevel::kWarning, .text = warning});
  }
  page.metadata = {{"Benchmark", format("{} ({})", benchmark.name, benchmark.license)},
                   {"Benchmark hash", benchmark.fingerprint},
                   {"Protocol", summary.protocol},
                   {"Judge", summary.judge},
                   {"Seed", format("{}", summary.settings.seed)},
                   {"Longest answer", format("{} tokens", summary.settings.max_tokens)},
                   {"Cupel", CUPEL_VERSION}};
  for (const judge::RunMember& member : run.models()) {
    page.metadata.emplace_back(member.name,
                               format("{} (hash {})", member.spec, member.fingerprint));
  }
  page.method = method_notes();
  CUPEL_TRY_VOID(add_questions(benchmark, run, summary, page));
  return page;
}

report::Table leaderboard_table(const judge::RunSummary& summary) {
  using report::Align;
  report::Table table({{"rank", Align::kRight},
                       {"model", Align::kLeft, 8},
                       {"score", Align::kRight},
                       {"95% interval", Align::kRight},
                       {"rating", Align::kRight, 0, 2},
                       {"programs", Align::kRight, 0, 3},
                       {"judge", Align::kRight, 0, 4},
                       {"invalid", Align::kRight},
                       {"cut", Align::kRight, 0, 1},
                       {"tokens", Align::kRight, 0, 5},
                       {"tok/s", Align::kRight, 0, 6},
                       {"seconds", Align::kRight, 0, 7}});
  const auto number = [](const std::optional<double>& value, std::string_view pattern) {
    return value ? format(pattern, *value) : std::string("-");
  };
  for (const judge::ModelSummary& m : summary.models) {
    const auto& interval = m.score.interval;
    table.add_row(std::vector<std::string>{
        format("{}", m.score.rank), m.is_control ? m.name + " (control)" : m.name,
        format("{:.2f}", m.score.mean),
        interval ? format("{:.2f} - {:.2f}", interval->low, interval->high) : "-",
        number(m.rating, "{:.0f}"), number(m.programs.score, "{:.2f}"),
        number(m.judge.score, "{:.2f}"), format("{}", m.invalid), format("{}", m.truncated),
        format("{}", m.completion_tokens),
        m.seconds > 0 ? format("{:.0f}", static_cast<double>(m.completion_tokens) / m.seconds)
                      : "-",
        format("{:.1f}", m.seconds)});
  }
  return table;
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
