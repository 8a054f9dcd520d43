// The head of the page: who leads, by how much, and what must be known before believing it.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

void strong(Markup& html, std::string_view text) {
  html.element("strong", {{"dir", "auto"}}, text);
}

/// "95% interval 4.75 to 6.40", or why there is none.
std::string lead_interval(const PageView& view, const Estimate& score) {
  return score.has_interval()
             ? format("{} interval {}", view.confidence_text(), view.interval_text(score))
             : format("too few questions for a {} interval", view.confidence_text());
}

// Whoever is alone leads nobody.
void write_lead(Markup& html, const PageView& view, const LeaderboardRow& leader) {
  const bool alone = view.page().leaderboard.size() == 1;
  strong(html, leader.model);
  html.text(leader.is_control ? ", a control that never reads the question, " : " ");
  html.text(alone ? "scores " : "leads with ");
  strong(html, view.score_text(leader.score.value));
  html.text(format(" ({}).", lead_interval(view, leader.score)));
  if (alone) {
    html.text(" There is no other contender to compare it with.");
  }
}

void write_gap(Markup& html, const PageView& view, const LeaderboardRow& next) {
  const PairedDifference* gap = view.difference_of(next.model);
  if (gap == nullptr) {
    html.text(" No paired difference to ");
    strong(html, next.model);
    html.text(" was computed.");
    return;
  }
  const Estimate& difference = gap->difference;
  html.text(" It is ");
  strong(html, view.score_text(difference.value));
  html.text(" ahead of ");
  strong(html, next.model);
  if (!difference.has_interval()) {
    html.text("; without an interval of the paired difference, nothing separates the two.");
    return;
  }
  html.text(
      format("; the interval of the paired difference, {}, ", view.interval_text(difference)));
  const bool clear = excludes_zero(difference);
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

std::string share_text(int64_t part, int64_t whole) {
  const auto share = share_of(part, whole);
  return share ? percent_text(*share) : kPageNoNumber;
}

void write_facts(Markup& html, const EvaluationPage& page) {
  const Totals totals = totals_of(page);
  html.open("dl", {{"class", "facts"}});
  write_headline_fact(html, "Contenders", count_text(static_cast<int64_t>(page.leaderboard.size())),
                      totals.controls == 0   ? ""
                      : totals.controls == 1 ? "1 is a control"
                                             : format("{} are controls", totals.controls));
  write_headline_fact(html, "Questions", count_text(static_cast<int64_t>(page.questions.size())),
                      format("{} answers", count_text(totals.answers)));
  write_headline_fact(html, "Invalid verdicts", share_text(totals.invalid, totals.verdicts),
                      format("{} of {}", count_text(totals.invalid), count_text(totals.verdicts)));
  write_headline_fact(html, "Truncated answers", share_text(totals.truncated, totals.answers),
                      format("{} of {}", count_text(totals.truncated), count_text(totals.answers)));
  html.close();
}

using Rows = std::vector<const LeaderboardRow*>;

Rows rows_where(const EvaluationPage& page, bool control) {
  Rows rows;
  for (const LeaderboardRow& row : page.leaderboard) {
    if (row.is_control == control) {
      rows.push_back(&row);
    }
  }
  return rows;
}

bool lies_above(const LeaderboardRow& row, const LeaderboardRow& control) {
  return row.score.has_interval() && control.score.has_interval() &&
         row.score.interval->low > control.score.interval->high;
}

/// Names of the contenders whose interval does not lie above that of every control.
std::string unclear_names(const Rows& contenders, const Rows& controls) {
  std::string names;
  for (const LeaderboardRow* row : contenders) {
    const bool clear = std::ranges::all_of(
        controls, [&](const LeaderboardRow* control) { return lies_above(*row, *control); });
    names += clear ? "" : (names.empty() ? "" : ", ") + row->model;
  }
  return names;
}

void write_control_scores(Markup& html, const PageView& view, const Rows& controls) {
  for (size_t i = 0; i < controls.size(); ++i) {
    html.text(i == 0 ? "" : i + 1 == controls.size() ? " and " : ", ");
    html.element("span", {{"dir", "auto"}}, controls[i]->model);
    const Estimate& score = controls[i]->score;
    html.text(" (" + view.score_text(score.value));
    html.text(score.has_interval() ? "; " + view.interval_text(score) + ")" : std::string(")"));
  }
}

/// What the null models show: the floor that every real answer must clear.
void write_controls(Markup& html, const PageView& view) {
  const Rows controls = rows_where(view.page(), true);
  const Rows contenders = rows_where(view.page(), false);
  if (controls.empty()) {
    return;
  }
  const bool one = controls.size() == 1;
  const std::string unclear = unclear_names(contenders, controls);
  html.open("p", {{"class", unclear.empty() && !contenders.empty() ? "note" : "note warning"}});
  html.element("strong", one ? "Control" : "Controls").text(" ");
  write_control_scores(html, view, controls);
  html.text(one ? " gives one constant answer to every question: this score comes from the judging "
                  "alone. "
                : " give one constant answer each to every question: these scores come from the "
                  "judging alone. ");
  if (contenders.empty()) {
    html.text(one ? "No contender was held against it." : "No contender was held against them.");
  } else if (unclear.empty()) {
    html.text(contenders.size() == 1 ? "The other contender's interval lies above "
                                     : "Every other contender's interval lies above ");
    html.text(one ? "it." : "all of them.");
  } else {
    html.text(one ? "Contenders whose interval does not lie above it: "
                  : "Contenders whose interval does not lie above all of them: ");
    html.element("span", {{"dir", "auto"}}, unclear).text(".");
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
  write_notes(html, page.notes);
  write_controls(html, view);
  html.close();
}

}  // namespace cupel::report
