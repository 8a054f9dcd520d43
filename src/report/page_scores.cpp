// Scores by category, by who decided, and how answers spread.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

std::optional<double> category_score(const LeaderboardRow& row, size_t category) {
  return category < row.category_scores.size() ? row.category_scores[category] : std::nullopt;
}

void write_legend(Markup& html, const PageView& view) {
  html.open("ul", {{"class", "legend"}});
  for (size_t i = 0; i < view.page().leaderboard.size(); ++i) {
    html.open("li");
    write_model_name(html, view, i);
    html.close();
  }
  html.close();
}

void write_category_panels(Markup& html, const PageView& view) {
  const EvaluationPage& page = view.page();
  html.open("div", {{"class", "panels"}});
  for (size_t c = 0; c < page.categories.size(); ++c) {
    BarPanel panel{.id = format("fig-cat-{}", c),
                   .title = page.categories[c] + ": " + page.scale.name + " by model",
                   .low = page.scale.low,
                   .high = page.scale.high,
                   .decimals = std::min(page.scale.decimals, 2)};
    for (size_t i = 0; i < page.leaderboard.size(); ++i) {
      panel.bars.push_back({.label = view.key_of_row(i),
                            .value = category_score(page.leaderboard[i], c),
                            .kind = view.kind_of_row(i)});
    }
    html.open("figure", {{"class", "card"}});
    html.element("figcaption", {{"dir", "auto"}}, page.categories[c]);
    html.trusted(bar_panel(panel)).close();
  }
  html.close();
}

void write_category_table(Markup& html, const PageView& view) {
  const EvaluationPage& page = view.page();
  open_twin(html, "Table of scores by category");
  html.open("thead").open("tr").element("th", {{"scope", "col"}}, "Category");
  for (size_t i = 0; i < page.leaderboard.size(); ++i) {
    html.open("th", {{"scope", "col"}, {"class", "num"}});
    write_model_name(html, view, i);
    html.close();
  }
  html.close().close().open("tbody");
  for (size_t c = 0; c < page.categories.size(); ++c) {
    html.open("tr").element("th", {{"scope", "row"}, {"dir", "auto"}}, page.categories[c]);
    for (const LeaderboardRow& row : page.leaderboard) {
      html.element("td", {{"class", "num"}}, view.score_text(category_score(row, c)));
    }
    html.close();
  }
  close_twin(html);
}

std::vector<double> answer_scores(const EvaluationPage& page, std::string_view model) {
  std::vector<double> scores;
  for (const QuestionView& question : page.questions) {
    for (const TurnView& turn : question.turns) {
      for (const AnswerView& answer : turn.answers) {
        if (answer.model == model && answer.score) {
          scores.push_back(*answer.score);
        }
      }
    }
  }
  return scores;
}

void write_spread(Markup& html, const PageView& view) {
  constexpr int kBins = 10;
  const EvaluationPage& page = view.page();
  html.element("h3", "How single answers score");
  write_hint(html, format("Number of answers in each tenth of the scale, {} to {}.",
                          short_text(page.scale.low), short_text(page.scale.high)));
  html.open("div", {{"class", "panels wide"}});
  for (size_t i = 0; i < page.leaderboard.size(); ++i) {
    const std::string& model = page.leaderboard[i].model;
    html.open("figure", {{"class", "card"}}).open("figcaption");
    write_model_name(html, view, i);
    html.close();
    html.trusted(histogram(
        {.id = format("fig-spread-{}", i),
         .title = "Scores of single answers of " + model,
         .low = page.scale.low,
         .high = page.scale.high,
         .counts = bin_counts(answer_scores(page, model), page.scale.low, page.scale.high, kBins),
         .kind = view.kind_of_row(i)}));
    html.close();
  }
  html.close();
}

void write_decision_cells(Markup& html, const PageView& view, const Decisions& decisions) {
  html.open("td", {{"class", "num edge"}});
  html.element("b", view.score_text(decisions.score)).close();
  const int64_t decided = decisions.yes + decisions.no + decisions.unsure;
  const auto count = [&](int64_t number, bool known) {
    html.element("td", {{"class", "num"}}, known ? count_text(number) : kPageNoNumber);
  };
  count(decisions.yes, decided > 0);  // gradings on a scale have no yes and no
  count(decisions.no, decided > 0);
  count(decisions.unsure, decided > 0);
  count(decisions.invalid, decisions.count > 0);
}

void write_decider_head(Markup& html) {
  html.open("thead").open("tr");
  html.element("th", {{"scope", "col"}, {"rowspan", "2"}}, "Model");
  html.element("th", {{"scope", "colgroup"}, {"colspan", "5"}, {"class", "edge"}}, "By program");
  html.element("th", {{"scope", "colgroup"}, {"colspan", "5"}, {"class", "edge"}}, "By the judge");
  html.close().open("tr");
  for (int side = 0; side < 2; ++side) {
    html.element("th", {{"scope", "col"}, {"class", "num edge"}}, "Score");
    for (const std::string_view name : {"Yes", "No", "Unsure", "Invalid"}) {
      html.element("th", {{"scope", "col"}, {"class", "num"}}, name);
    }
  }
  html.close().close();
}

}  // namespace

void write_categories(Markup& html, const PageView& view) {
  if (view.page().categories.empty() || view.page().leaderboard.empty()) {
    return;
  }
  open_section(html, "categories", "Scores by category");
  write_legend(html, view);
  write_category_panels(html, view);
  write_category_table(html, view);
  write_spread(html, view);
  html.close();
}

void write_deciders(Markup& html, const PageView& view) {
  if (view.page().leaderboard.empty()) {
    return;
  }
  open_section(html, "deciders", "What programs decided, what the judge decided");
  write_hint(
      html,
      "Where a program can decide an item (an exact number, a required word, a length, valid "
      "JSON), it does; the judge model answers the rest. The two scores stand apart, so that a "
      "weak judge cannot hide behind the programs.");
  open_scroll_box(html, "Table of verdicts by program and by judge");
  html.open("table");
  write_decider_head(html);
  html.open("tbody");
  for (size_t i = 0; i < view.page().leaderboard.size(); ++i) {
    html.open("tr").open("th", {{"scope", "row"}});
    write_model_name(html, view, i);
    html.close();
    write_decision_cells(html, view, view.page().leaderboard[i].by_program);
    write_decision_cells(html, view, view.page().leaderboard[i].by_judge);
    html.close();
  }
  html.close().close().close().close();
}

}  // namespace cupel::report
