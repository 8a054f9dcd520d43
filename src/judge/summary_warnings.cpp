#include "judge/summary_warnings.h"

#include <algorithm>

#include "base/error.h"

namespace cupel::judge {
namespace {

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
      summary.warnings.push_back(
          format("The judge alone is too weak here: by its own items \"{}\" and the null model "
                 "\"{}\" differ by "
                 "{:+.2f} (95%: {:+.2f} to {:+.2f}); the ranking rests on what programs decided.",
                 leader, control.name, d->difference, d->interval->low, d->interval->high));
    }
  }
  return Ok{};
}

// What readers must know before they believe the table.
void add_quality_warnings(const Protocol& protocol, RunSummary& summary) {
  std::string cut;
  for (const ModelSummary& model : summary.models) {
    if (model.invalid > 0) {
      summary.warnings.push_back(format("{}: {} of {} {} have no valid verdict ({}).", model.name,
                                        model.invalid, model.verdicts, protocol.unit,
                                        percent(model.invalid, model.verdicts)));
    }
    const int64_t undecided = model.judge.undecided();
    if (undecided > 0 && static_cast<double>(undecided) >=
                             kUndecidedShare * static_cast<double>(model.judge.count())) {
      summary.warnings.push_back(format(
          "{}: the judge decided neither Yes nor No on {} of {} items ({}); each counts half, so "
          "they pull the score to the middle.",
          model.name, undecided, model.judge.count(), percent(undecided, model.judge.count())));
    }
    if (10 * model.truncated > model.answers) {
      cut += format("{}{} {} of {} ({})", cut.empty() ? "" : ", ", model.name, model.truncated,
                    model.answers, percent(model.truncated, model.answers));
    }
  }
  if (!cut.empty()) {
    summary.warnings.push_back(format("Answers were cut by the length limit: {}.", cut));
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

void add_sample_warning(RunSummary& summary) {
  const int64_t questions = summary.models.front().score.questions;
  if (questions < rank::kFewestQuestions) {
    summary.warnings.push_back(
        format("{} question{} too few to tell models apart: intervals and ranks begin at {}.",
               questions, questions == 1 ? " is" : "s are", rank::kFewestQuestions));
  } else if (questions < kFewQuestions) {
    summary.warnings.push_back(
        format("Only {} questions: the intervals are wide, and other questions could rank models "
               "differently.",
               questions));
  }
}

// The same file under another name is the same model.
void add_self_judging_warnings(const RunFolder& run, RunSummary& summary) {
  for (const RunMember& judge : run.judges()) {
    if (judge.name != summary.judge || judge.fingerprint.empty()) {
      continue;
    }
    for (const RunMember& model : run.models()) {
      if (model.fingerprint == judge.fingerprint) {
        summary.warnings.push_back(
            format("The judge \"{}\" is the model \"{}\" itself: it may favour its own answers.",
                   judge.name, model.name));
      }
    }
  }
}

}  // namespace

Result<Ok> add_warnings(const RunFolder& run,
                        const Protocol& protocol,
                        bool partial,
                        RunSummary& summary) {
  if (!partial) {
    add_sample_warning(summary);
    add_self_judging_warnings(run, summary);
    CUPEL_TRY_VOID(add_judge_warnings(summary));
    add_control_warnings(summary);
  }
  add_quality_warnings(protocol, summary);
  return Ok{};
}

}  // namespace cupel::judge
