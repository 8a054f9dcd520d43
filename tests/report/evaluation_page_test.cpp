#include "report/evaluation_page.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup.h"
#include "report/numbers.h"
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
  page.leaderboard[0].score = {0.7, Interval{0.6, 0.8}};
  page.leaderboard[1].model = "second";
  page.leaderboard[1].score = {0.5, Interval{0.4, 0.6}};
  page.differences = {{"second", {0.2, Interval{0.05, 0.35}}}};
  return page;
}

TEST(EvaluationPage, ContainsEachDatum) {
  const EvaluationPage page = test::sample_page();
  std::string html = render_evaluation_page(page);
  for (size_t at = html.find("<wbr/>"); at != std::string::npos; at = html.find("<wbr/>", at)) {
    html.erase(at, 6);  // places to break a line, within paths and specs
  }
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
    expect_text(typographic_text(note.text));
  }
  for (const RunFact& fact : page.metadata) {
    expect_text(fact.name);
    expect_text(fact.value);
    expect_text(fact.hash);
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
  row.rating = Estimate{1042.4, Interval{1001, 1093}};
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
  page.judge_usage->seconds = 12.4;
  page.judge_usage->tokens_per_second = 4.6;
  page.judge_usage->cost = 0.0000212;
  page.total_cost = 12.345;
  page.cost_notes = {"Prices: judge 1 and 2."};
  const std::string html = render_evaluation_page(page);
  for (const std::string_view text :
       {">Cost</th>", ">0.0000212</td>", "<b>12.35</b>", "Prices: judge 1 and 2.",
        "second</span></th><td class=\"num\">0</td><td class=\"num\">0</td>"
        "<td class=\"num\">0</td><td class=\"num\">0</td><td class=\"num\">–</td>"
        "<td class=\"num\">0.00 s</td><td class=\"num\">–</td>",
        // 31 calls in 12.4 s; tokens a second would make a judge of one-token verdicts look slow.
        "<td class=\"num\">2.5 calls/s</td><td class=\"num\">12.4 s</td>"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  EXPECT_THAT(html, Not(HasSubstr("4.6")));
}

TEST(EvaluationPage, HeadlineSaysWhetherZeroIsExcluded) {
  EvaluationPage page = two_models();
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("<em>excludes zero</em>."));
  page.differences[0].difference.interval->low = -0.01;
  EXPECT_THAT(render_evaluation_page(page),
              HasSubstr("<em>includes zero</em>: this evaluation does not separate the two."));
}

TEST(EvaluationPage, ControlCalloutNamesWhoIsNotClearlyAboveIt) {
  EvaluationPage page = two_models();
  page.leaderboard.push_back(
      {.rank = 3, .model = "null", .is_control = true, .score = {0.2, Interval{0.1, 0.3}}});
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("interval lies above it."));
  page.leaderboard[2].score = {0.4, Interval{0.3, 0.5}};
  const std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("does not lie above it: <span dir=\"auto\">second</span>."));
  std::swap(page.leaderboard[0], page.leaderboard[2]);
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("a control that never reads the question"));
}

TEST(EvaluationPage, FewQuestionsGiveNoInterval) {
  EvaluationPage page = two_models();
  page.questions.resize(1);
  page.leaderboard[0].score = {3.63};
  page.leaderboard[0].rating = Estimate{1042.4};
  page.leaderboard[1].score = {3.63};
  page.differences[0].difference = {0};
  const std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("(too few questions for a 95% interval)."));
  EXPECT_THAT(html, HasSubstr("without an interval of the paired difference, nothing separates"));
  EXPECT_THAT(html, HasSubstr("0.000 (no interval)"));
  EXPECT_THAT(html, HasSubstr("1042<small>–</small>"));
  EXPECT_THAT(html, HasSubstr("<td>–</td>"));  // neither does zero lie within nor without
  EXPECT_THAT(html, Not(HasSubstr("3.630 to 3.630")));
  EXPECT_THAT(html, Not(HasSubstr("cludes zero")));
  EXPECT_THAT(html, Not(HasSubstr("class=\"cap\"")));
  page.questions.resize(3);  // not the page, but who estimates knows how many would do
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("(too few questions for a 95% interval)."));
}

TEST(EvaluationPage, NobodyLeadsAlone) {
  EvaluationPage page = two_models();
  page.leaderboard.resize(1);
  page.differences.clear();
  std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("</strong> scores <strong"));
  EXPECT_THAT(html, HasSubstr("There is no other contender to compare it with."));
  EXPECT_THAT(html, Not(HasSubstr("leads")));
  EXPECT_THAT(html, Not(HasSubstr("class=\"w lead\"")));
  page.leaderboard[0].is_control = true;
  html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("No contender was held against it."));
  page.leaderboard[0].score.interval.reset();
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("first</span> (0.700) gives one constant"));
  EXPECT_THAT(html, Not(HasSubstr("lies above")));
}

TEST(EvaluationPage, ControlsShareOneNote) {
  EvaluationPage page = two_models();
  page.leaderboard.push_back(
      {.model = "n1", .is_control = true, .score = {0.2, Interval{0.1, 0.3}}});
  page.leaderboard.push_back({.model = "n2", .is_control = true, .score = {0.1, Interval{0, 0.2}}});
  std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("<strong>Controls</strong> <span dir=\"auto\">n1</span> (0.200; "
                              "0.100 to 0.300) and <span dir=\"auto\">n2</span> (0.100;"));
  EXPECT_THAT(html, HasSubstr("interval lies above all of them."));
  EXPECT_THAT(html, HasSubstr("2 are controls"));
  page.leaderboard[2].score.interval->high = 0.45;  // above the lower end of "second" alone
  html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("does not lie above all of them: <span dir=\"auto\">second</span>."));
  page.leaderboard.erase(page.leaderboard.begin(), page.leaderboard.begin() + 2);
  html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("No contender was held against them."));
  EXPECT_THAT(html, Not(HasSubstr("lies above")));
}

TEST(EvaluationPage, WritesMinusSignsInNotes) {
  EvaluationPage page = two_models();
  page.notes = {{NoteLevel::kWarning, "gpt-4 differs by +0.10 (95%: -0.18 to +0.41)."}};
  EXPECT_THAT(render_evaluation_page(page), HasSubstr("gpt-4 differs by +0.10 (95%: −0.18 to"));
}

TEST(EvaluationPage, ScoreAxisStaysWithinTheScale) {
  EvaluationPage page = two_models();
  page.scale = {.name = "score", .low = 1, .high = 10, .decimals = 2};
  page.leaderboard[0].score = {5.56, Interval{4.75, 6.4}};
  page.leaderboard[1].score = {1.96, Interval{1.87, 2.04}};
  const std::string html = render_evaluation_page(page);
  EXPECT_THAT(html, HasSubstr("<text class=\"tick\" x=\"2%\" y=\"11\" "
                              "text-anchor=\"middle\">1</text>"));
}

TEST(EvaluationPage, CutsHashesAndBreaksSpecs) {
  EvaluationPage page = two_models();
  page.metadata = {{"m", "m=a/b.gguf,noise=0.1", "712b70f34d6fc5518cc3d676409fd485"}};
  EXPECT_THAT(render_evaluation_page(page),
              HasSubstr("m=a/<wbr/>b.gguf,<wbr/>noise=0.1 <code class=\"hash\" "
                        "title=\"712b70f34d6fc5518cc3d676409fd485\">712b70f34d6f…</code>"));
}

TEST(EvaluationPage, ManyModelsGetLettersAlone) {
  EXPECT_THAT(render_evaluation_page(test::sample_page()), Not(HasSubstr("checks many")));
  const std::string html = render_evaluation_page(test::crowded_page());
  EXPECT_THAT(html, HasSubstr("<table class=\"checks many\">"));
  EXPECT_THAT(html, HasSubstr("<span class=\"key\">J</span><span class=\"sr\" dir=\"auto\">"));
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
  page.leaderboard[0].score = {nan, Interval{nan, nan}};
  page.leaderboard[0].usage.seconds = -1;
  page.leaderboard[1].score.interval->high = std::numeric_limits<double>::infinity();
  page.leaderboard[1].category_scores = {nan};
  page.differences[0] = {"unknown model", {nan, Interval{nan, nan}}};
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
