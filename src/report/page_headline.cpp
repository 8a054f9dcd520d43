// The head of the page: who leads, by how much, and what must be known before believing it.
#include <algorithm>
#include <string>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

void strong(Markup& html, std::string_view text) {
  html.element("strong", {{"dir", "auto"}}, text);
}

void write_lead(Markup& html, const PageView& view, const LeaderboardRow& leader) {
  strong(html, leader.model);
  html.text(leader.is_control ? ", a control that never reads the question, leads with "
                              : " leads with ");
  strong(html, view.score_text(leader.score.value));
  html.text(format(" ({} interval {}).", view.confidence_text(), view.interval_text(leader.score)));
}

void write_gap(Markup& html, const PageView& view, const LeaderboardRow& next) {
  const PairedDifference* gap = view.difference_of(next.model);
  if (gap == nullptr) {
    html.text(" No paired difference to ");
    strong(html, next.model);
    html.text(" was computed.");
    return;
  }
  html.text(" It is ");
  strong(html, view.score_text(gap->difference.value));
  html.text(" ahead of ");
  strong(html, next.model);
  html.text(
      format("; the interval of the paired difference, {}, ", view.interval_text(gap->difference)));
  const bool clear = excludes_zero(gap->difference);
  html.element("em", clear ? "excludes zero" : "includes zero");
  html.text(clear ? "." : ": this evaluation does not separate the two.");
}

struct Totals {
  int64_t answers = 0;
  int64_t truncated = 0;
  int64_t verdicts = 0;
  int64_t invalid = 0;
  int64_t controls = 0;
};

Totals totals_of(const EvaluationPage& page) {
  Totals totals;
  for (const LeaderboardRow& row : page.leaderboard) {
    totals.answers += row.answers;
    totals.truncated += row.truncated;
    totals.verdicts += row.by_program.count + row.by_judge.count;
    totals.invalid += row.by_program.invalid + row.by_judge.invalid;
    totals.controls += row.is_control ? 1 : 0;
  }
  return totals;
}

void write_fact(Markup& html,
                std::string_view name,
                std::string_view value,
                std::string_view more) {
  html.open("div");
  html.element("dt", name);
  html.open("dd").text(value);
  if (!more.empty()) {
    html.element("small", more);
  }
  html.close().close();
}

std::string share_text(int64_t part, int64_t whole) {
  const auto share = share_of(part, whole);
  return share ? percent_text(*share) : kNoNumber;
}

void write_facts(Markup& html, const EvaluationPage& page) {
  const Totals totals = totals_of(page);
  html.open("dl", {{"class", "facts"}});
  write_fact(html, "Contenders", count_text(static_cast<int64_t>(page.leaderboard.size())),
             totals.controls == 0 ? "" : format("{} a control", totals.controls));
  write_fact(html, "Questions", count_text(static_cast<int64_t>(page.questions.size())),
             format("{} answers", count_text(totals.answers)));
  write_fact(html, "Invalid verdicts", share_text(totals.invalid, totals.verdicts),
             format("{} of {}", count_text(totals.invalid), count_text(totals.verdicts)));
  write_fact(html, "Truncated answers", share_text(totals.truncated, totals.answers),
             format("{} of {}", count_text(totals.truncated), count_text(totals.answers)));
  html.close();
}

void write_notes(Markup& html, const EvaluationPage& page) {
  for (const Note& note : page.notes) {
    const bool warning = note.level == NoteLevel::kWarning;
    html.open("p", {{"class", warning ? "note warning" : "note"}});
    html.element("strong", warning ? "Warning" : "Note").text(" ");
    html.element("span", {{"dir", "auto"}}, note.text).close();
  }
}

/// What the null models show: the floor that every real answer must clear.
void write_control(Markup& html, const PageView& view, const LeaderboardRow& control) {
  std::string unclear;
  for (const LeaderboardRow& row : view.page().leaderboard) {
    if (!row.is_control && !(row.score.ci_low > control.score.ci_high)) {
      unclear += (unclear.empty() ? "" : ", ") + row.model;
    }
  }
  html.open("p", {{"class", unclear.empty() ? "note" : "note warning"}});
  html.element("strong", "Control").text(" ");
  html.element("span", {{"dir", "auto"}}, control.model);
  html.text(format(
      " gives one constant answer to every question and scores {} ({}): that much comes from the "
      "judging alone. ",
      view.score_text(control.score.value), view.interval_text(control.score)));
  if (unclear.empty()) {
    html.text("Every other contender's interval lies above it.");
  } else {
    html.text("Not clearly above it: ").element("span", {{"dir", "auto"}}, unclear).text(".");
  }
  html.close();
}

}  // namespace

void write_headline(Markup& html, const PageView& view) {
  const EvaluationPage& page = view.page();
  html.open("section", {{"id", "result"}, {"class", "headline"}, {"aria-labelledby", "result-h"}});
  html.element("h2", {{"id", "result-h"}, {"class", "eyebrow"}}, "Result");
  html.open("p", {{"class", "lede"}});
  if (page.leaderboard.empty()) {
    html.text("There are no results yet.");
  } else {
    write_lead(html, view, page.leaderboard.front());
    if (page.leaderboard.size() > 1) {
      write_gap(html, view, page.leaderboard[1]);
    }
  }
  html.close();
  write_facts(html, page);
  write_notes(html, page);
  for (const LeaderboardRow& row : page.leaderboard) {
    if (row.is_control) {
      write_control(html, view, row);
    }
  }
  html.close();
}

}  // namespace cupel::report
