#include "report/evaluation_page.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup.h"
#include "web/sample_page.h"
#include "web/xss_corpus.h"

namespace cupel::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EvaluationPage two_models() {
  EvaluationPage page;
  page.title = "T";
  page.leaderboard.resize(2);
  page.leaderboard[0].model = "first";
  page.leaderboard[0].score = {0.7, 0.6, 0.8};
  page.leaderboard[1].model = "second";
  page.leaderboard[1].score = {0.5, 0.4, 0.6};
  page.differences = {{"second", {0.2, 0.05, 0.35}}};
  return page;
}

TEST(EvaluationPage, ContainsEachDatum) {
  const EvaluationPage page = test::sample_page();
  const std::string html = render_evaluation_page(page);
  const auto expect_text = [&](std::string_view text) {
    EXPECT_THAT(html, HasSubstr(escape_markup(text)));
  };
  expect_text(page.title);
  expect_text(page.subtitle);
  for (const LeaderboardRow& row : page.leaderboard) {
    expect_text(row.model);
    expect_text(row.description);
  }
  for (const Note& note : page.notes) {
    expect_text(note.text);
  }
  for (const auto& [key, value] : page.metadata) {
    expect_text(key);
    expect_text(value);
  }
  for (const std::string& paragraph : page.method) {
    expect_text(paragraph);
  }
  for (const QuestionView& question : page.questions) {
    expect_text(question.id);
    expect_text(question.category);
    for (const TurnView& turn : question.turns) {
      expect_text(turn.prompt);
      expect_text(turn.reference);
      for (const AnswerView& answer : turn.answers) {
        expect_text(answer.text);
        expect_text(answer.judge_text);
        for (const ItemResult& item : answer.items) {
          expect_text(item.question);
        }
      }
    }
  }
}

TEST(EvaluationPage, ContainsTheNumbersOfARow) {
  EvaluationPage page = two_models();
  LeaderboardRow& row = page.leaderboard[0];
  row.rating = Estimate{1042.4, 1001, 1093};
  row.by_program = {.count = 40, .yes = 31, .no = 8, .unsure = 0, .invalid = 1, .score = 0.7654};
  row.by_judge = {.count = 60, .yes = 33, .no = 21, .unsure = 4, .invalid = 2, .score = 0.5432};
  row.answers = 48;
  row.truncated = 6;
  row.usage = {.calls = 1046,
               .cached_calls = 977,
               .prompt_tokens = 12345,
               .completion_tokens = 67890,
               .tokens_per_second = 84.25,
               .seconds = 185,
               .cost = 0.0123};
  page.currency = "USD";
  row.category_scores = {0.8125};
  page.categories = {"math"};
  const std::string html = render_evaluation_page(page);
  for (const std::string_view text :
       {"0.700", "0.600 to 0.800", "1042", "1001 to 1093", "3.0%", "3 of 100", "0.765", "0.543",
        "12%", "6 of 48", "1,046", "977", "12,345", "67,890", "84.2", "3 min 05 s", "0.0123 USD",
        "0.812"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(EvaluationPage, ShowsTheJudgesCostApartAndNoCostWithoutAPrice) {
  EvaluationPage page = two_models();
  page.judge = "strict <judge>";
  page.judge_usage = CallUsage{.calls = 31, .prompt_tokens = 4567};
  EXPECT_THAT(render_evaluation_page(page), Not(HasSubstr(">Cost</th>")));
  EXPECT_THAT(render_evaluation_page(page),
              HasSubstr("Judge <span dir=\"auto\">strict &lt;judge&gt;</span></th>"
                        "<td class=\"num\">31</td>"));
  page.judge_usage->cost = 0.0000212;
  page.total_cost = 12.345;
  page.cost_notes = {"Prices: judge 1 and 2."};
  const std::string html = render_evaluation_page(page);
  for (const std::string_view text :
       {">Cost</th>", ">0.0000212</td>", "<b>12.35</b>", "Prices: judge 1 and 2.",
        "second</span></th><td class=\"num\">0</td><td class=\"num\">0</td>"
        "<td class=\"num\">0</td><td class=\"num\">0</td><td class=\"num\">-</td>"
        "<td class=\"num\">0.00 s</td><td class=\"num\">-</td>"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(EvaluationPage, HeadlineSaysWhetherZeroIsExcluded) {
  EvaluationPage page = two_models();
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("<em>excludes zero</em>."));
  page.differences[0].difference.ci_low = -0.01;
  EXPECT_THAT(render_evaluation_page(page),
              HasSubstr("<em>includes zero</em>: this evaluation does not separate the two."));
}

TEST(EvaluationPage, ControlCalloutNamesWhoIsNotClearlyAboveIt) {
  EvaluationPage page = two_models();
  page.leaderboard.push_back(
      {.rank = 3, .model = "null", .is_control = true, .score = {0.2, 0.1, 0.3}});
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("interval lies above it."));
  page.leaderboard[2].score = {0.4, 0.3, 0.5};
  const std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("Not clearly above it: <span dir=\"auto\">second</span>."));
  std::swap(page.leaderboard[0], page.leaderboard[2]);
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("a control that never reads the question"));
}

TEST(EvaluationPage, KeepsHostileTextInert) {
  const std::string html = render_evaluation_page(test::sample_page());
  for (const std::string_view text : test::kXssCorpus) {
    if (text.find('<') != std::string_view::npos) {
      EXPECT_THAT(html, Not(HasSubstr(std::string(text))));
    }
  }
  for (const std::string_view forbidden :
       {"<script", "<img", "<iframe", "<base", "<form", "onerror=\"", "href=\"javascript", "src=\"",
        "@import"}) {
    const size_t at = html.find(forbidden);
    // `@import` appears in the corpus as text: it must stand after the style element.
    EXPECT_TRUE(at == std::string::npos || (forbidden == "@import" && at > html.find("</style>")))
        << forbidden;
  }
  EXPECT_THAT(html, HasSubstr("default-src &#39;none&#39;"));
}

TEST(EvaluationPage, IsDeterministicAndSmall) {
  EvaluationPage page = test::sample_page();
  for (QuestionView& question : page.questions) {
    for (TurnView& turn : question.turns) {
      for (AnswerView& answer : turn.answers) {
        answer.text += std::string(2500, 'x');  // a long answer of some 600 tokens
      }
    }
  }
  const std::string html = render_evaluation_page(page);
  EXPECT_EQ(html, render_evaluation_page(page));
  EXPECT_LT(html.size(), 1'000'000U);
}

TEST(EvaluationPage, TakesEmptyAndSenselessInput) {
  EXPECT_THAT(render_evaluation_page({}), HasSubstr("There are no results yet."));
  EvaluationPage page = two_models();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  page.leaderboard[0].score = {nan, nan, nan};
  page.leaderboard[0].usage.seconds = -1;
  page.leaderboard[1].score.ci_high = std::numeric_limits<double>::infinity();
  page.leaderboard[1].category_scores = {nan};
  page.differences[0] = {"unknown model", {nan, nan, nan}};
  page.categories = {"", "more categories than scores"};
  page.questions.resize(2);
  page.questions[1].turns.resize(1);
  page.questions[1].turns[0].answers.push_back({.model = "unknown model", .score = nan});
  page.questions[1].turns[0].answers[0].items.push_back({.question = "?", .probability = nan});
  const std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf<")));
  EXPECT_THAT(html, HasSubstr("No paired difference to"));
}

TEST(EvaluationPage, ManyContendersGetKeys) {
  EvaluationPage page = two_models();
  for (int i = 0; i < 30; ++i) {
    page.leaderboard.push_back({.rank = 3, .model = "m" + std::to_string(i)});
  }
  const std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("<span class=\"key\">Z</span>"));
  EXPECT_THAT(html, HasSubstr("<span class=\"key\">32</span>"));
}

}  // namespace
}  // namespace cupel::report
