#include "report/rank_page.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup.h"
#include "report/numbers.h"
#include "web/sample_rank_page.h"
#include "web/xss_corpus.h"

namespace cupel::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

RankPage two_models() {
  RankPage page;
  page.title = "T";
  page.interval_kind = "sandwich";
  page.rank_rule = "Ranks by paired differences.";
  page.rows = {{.rank = 1, .model = "first", .rating = {1100, Interval{1060, 1140}}, .votes = 1234},
               {.rank = 2, .model = "second", .rating = {900, Interval{860, 940}}, .votes = 98}};
  return page;
}

/// Every element of a page is closed in order, void ones aside: what XML asks for.
std::string first_unbalanced(const std::string& html) {
  std::vector<std::string> open;
  for (size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const size_t end = html.find('>', at);
    if (html[at + 1] == '!') {
      continue;
    }
    const bool closes = html[at + 1] == '/';
    const size_t name_at = at + (closes ? 2 : 1);
    const std::string name = html.substr(name_at, html.find_first_of(" />", name_at) - name_at);
    if (closes) {
      if (open.empty() || open.back() != name) {
        return "</" + name + "> within <" + (open.empty() ? "" : open.back()) + ">";
      }
      open.pop_back();
    } else if (html[end - 1] != '/') {
      open.push_back(name);
    }
    if (name == "style" || name == "script") {  // text up to its own end
      at = closes ? at : html.find("</" + name, at) - 1;
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is left open";
}

TEST(RankPage, IsWellFormed) {
  EXPECT_EQ(first_unbalanced("<p><b></p>"), "</p> within <b>");  // the check itself
  for (const RankPage& page : {test::sample_rank_page(), test::crowded_rank_page(60),
                               test::lone_rank_page(), two_models(), RankPage{}}) {
    EXPECT_EQ(first_unbalanced(render_rank_page(page)), "");
  }
}

TEST(RankPage, ContainsEachDatum) {
  const RankPage page = test::sample_rank_page();
  std::string html = render_rank_page(page);
  for (size_t at = html.find("<wbr/>"); at != std::string::npos; at = html.find("<wbr/>", at)) {
    html.erase(at, 6);  // places to break a line, within paths
  }
  const auto expect_text = [&](std::string_view text) {
    EXPECT_THAT(html, HasSubstr(escape_markup(text)));
  };
  for (const std::string& text :
       {page.title, page.subtitle, page.method, page.method_meaning, page.formula, page.rank_rule,
        page.win_rate_rule, page.calibration->note, page.cycles->note, page.grouped_by}) {
    expect_text(text);
  }
  for (const RankRow& row : page.rows) {
    expect_text(row.model);
  }
  for (const Note& note : page.notes) {
    expect_text(typographic_text(note.text));
  }
  for (const DroppedVotes& dropped : page.votes.dropped) {
    expect_text(dropped.reason);
  }
  for (const std::vector<Coefficient>& list : {page.style, page.parameters}) {
    for (const Coefficient& coefficient : list) {
      expect_text(coefficient.name);
      expect_text(coefficient.meaning);
    }
  }
  for (const RankGroup& group : page.groups) {
    expect_text(group.name);
    for (const Note& note : group.notes) {
      expect_text(typographic_text(note.text));
    }
  }
  for (const RunFact& fact : page.metadata) {
    expect_text(fact.name);
    expect_text(fact.value);
    expect_text(fact.hash);
  }
  for (const std::string& paragraph : page.method_notes) {
    expect_text(paragraph);
  }
}

TEST(RankPage, ContainsTheNumbersOfARow) {
  RankPage page = two_models();
  page.outer_kind = "simultaneous interval";
  page.rows[0].outer = Interval{1040.4, 1159.6};
  page.rows[0].win_rate = 0.759;
  page.rows[0].rank_class = 3;
  page.rows[0].without_style = WithoutStyle{1087.6, 4};
  page.rows[1].without_style = WithoutStyle{912.2, 1};
  const std::string html = render_rank_page(page);
  for (const std::string_view text :
       {"<b>1100</b><small>1060 to 1140</small>", "<td class=\"num\">1,234</td>",
        "<td class=\"num\">76%</td>", "<td class=\"num\">3</td>", "<td class=\"num\">1088</td>",
        // Three ranks better with style control than without; the other one lost a place.
        "<td class=\"num\">+3<span aria-hidden=\"true\"> ▲</span><span class=\"sr\"> up</span>",
        "<td class=\"num\">−1<span aria-hidden=\"true\"> ▼</span><span class=\"sr\"> down</span>",
        "<td class=\"num\">1040 to 1160</td>", "first: 1100 (1060 to 1140); wider 1040 to"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(RankPage, WritesRatingsOfOtherScalesWithTheirDecimals) {
  RankPage page = two_models();
  page.rating_unit = "shares of visits";
  page.rating_decimals = 4;
  page.rows[0].rating = {0.14568};
  page.rows[1].rating = {0.00042};
  const std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("<b>0.1457</b><small>–</small>"));
  EXPECT_THAT(html, HasSubstr("<b>0.0004</b>"));
  EXPECT_THAT(html, HasSubstr("in shares of visits"));
}

TEST(RankPage, HeadlineSaysWhatTheVotesTellApart) {
  RankPage page = two_models();
  page.lead = Estimate{200, Interval{143, 257}};
  std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("</strong> leads with <strong dir=\"auto\">1100</strong> "
                              "(95% interval 1060 to 1140)."));
  EXPECT_THAT(html, HasSubstr("paired difference, 143 to 257, <em>excludes zero</em>."));
  EXPECT_THAT(html, Not(HasSubstr("tell them apart")));
  page.rows[1].rank = 1;
  page.lead->interval->low = -3;
  html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("paired difference, −3 to 257, <em>includes zero</em>."));
  EXPECT_THAT(html, HasSubstr("shares its rank with <span dir=\"auto\">second</span>: these votes "
                              "<em>do not tell them apart</em>."));
  EXPECT_THAT(html, HasSubstr("1<span aria-hidden=\"true\">=</span>"));
  // Where all share a rank, nobody stands out.
  EXPECT_THAT(html, Not(HasSubstr("class=\"w lead\"")));
}

TEST(RankPage, NamesFourWhoShareTheFirstRankAndCountsTheRest) {
  RankPage page = two_models();
  page.rows.assign(9, page.rows[0]);
  for (size_t i = 0; i < page.rows.size(); ++i) {
    page.rows[i].model = "m" + std::to_string(i);
    page.rows[i].rank = i < 7 ? 1 : 8;
  }
  EXPECT_THAT(render_rank_page(page), HasSubstr("<span dir=\"auto\">m3</span> and 3 more: these"));
  // By paired differences where differences are less certain a lower row.
  for (size_t i = 1; i < page.rows.size(); ++i) {
    page.rows[i].rank = i == 2 || i == 5 ? 1 : 4;
  }
  const std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("rank with <span dir=\"auto\">m2</span> and "
                              "<span dir=\"auto\">m5</span>: these votes"));
  EXPECT_THAT(html, HasSubstr("where differences are less certain a lower row"));
}

TEST(RankPage, WithoutIntervalsClaimsNothing) {
  RankPage page = two_models();
  page.interval_kind.clear();
  page.rank_rule.clear();
  for (RankRow& row : page.rows) {
    row.rating.interval.reset();
  }
  const std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("Without intervals, nothing says whether this order would hold"));
  EXPECT_THAT(html, HasSubstr("the order of the ratings: without intervals nothing is shown"));
  EXPECT_THAT(html, Not(HasSubstr("class=\"cap\"")));
  EXPECT_THAT(html, Not(HasSubstr("95%")));
}

TEST(RankPage, MarksProvisionalModels) {
  RankPage page = two_models();
  EXPECT_THAT(render_rank_page(page), Not(HasSubstr("rovisional</span>")));
  page.rows[1].provisional = true;
  const std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("<tr class=\"provisional\">"));
  EXPECT_THAT(html, HasSubstr("<span class=\"tag\">provisional</span>"));
  EXPECT_THAT(html, HasSubstr("class=\"w control\""));  // hollow
  EXPECT_THAT(html, HasSubstr("<small>1 provisional</small>"));
}

TEST(RankPage, CountsVotes) {
  RankPage page = two_models();
  page.votes = {.used = 8'931,
                .ties = 3'471,
                .both_bad = 893,
                .voters = 124,
                .dropped = {{"unknown winner word", 41}, {"a model against itself", 2}}};
  page.separability = Separability{1'403, 1'711};
  const std::string html = render_rank_page(page);
  for (const std::string_view text :
       {"<dt>Votes</dt><dd>8,931<small>124 voters</small>",
        "<dt>Ties</dt><dd>39%<small>10% of all votes: both bad</small>",  // 3,471 / 8,931 = 0.3886
        "<dt>Votes left out</dt><dd>43<small>2 reasons</small>",
        "<dt>Pairs told apart</dt><dd>82%<small>1,403 of 1,711</small>",  // 0.81999
        "unknown winner word</th><td class=\"num\">41</td>"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(RankPage, EveryFigureHasItsTableTwin) {
  const std::string html = render_rank_page(test::sample_rank_page());
  size_t figures = 0;
  for (size_t at = html.find("<figure"); at != std::string::npos;
       at = html.find("<figure", at + 1)) {
    const std::string figure = html.substr(at, html.find("</figure>", at) - at);
    const bool in_table_below = figure.find("ring") != std::string::npos;
    EXPECT_TRUE(in_table_below || figure.find("<details class=\"twin\">") != std::string::npos)
        << figure.substr(0, 400);
    EXPECT_THAT(figure, HasSubstr("role=\"img\""));
    EXPECT_THAT(figure, HasSubstr("<title id="));
    EXPECT_THAT(figure, HasSubstr("<desc id="));
    ++figures;
  }
  EXPECT_EQ(figures, 5U);  // ratings, cycle, pairs, calibration, style
  // The cycles stand in an open table right below their figure.
  EXPECT_LT(html.find("fig-cycle"), html.find("aria-label=\"Table of cycles\""));
}

TEST(RankPage, PairTableHoldsWhatTheMapShows) {
  RankPage page = two_models();
  page.pairs = PairMatrix{.models = {"first", "second"}, .cells = std::vector<PairCell>(4)};
  page.pairs->cells[1] = {0.7512, 0.76, 1'021};
  page.pairs->cells[2] = {0.2488, 0.24, 1'021};
  std::string html = render_rank_page(page);
  EXPECT_THAT(html,
              HasSubstr("<th scope=\"row\" dir=\"auto\">first</th><td dir=\"auto\">second</td>"
                        "<td class=\"num\">75%</td><td class=\"num\">76%</td>"
                        "<td class=\"num\">1,021</td>"));
  EXPECT_THAT(html,
              HasSubstr("<title>first against second: won 75% of 1,021 votes, predicted 76%"));
  EXPECT_THAT(html, HasSubstr("id=\"fig-predicted-t\""));
  page.pairs->cells[1] = {kNan, kNan, 0};
  page.pairs->cells[2] = {kNan, kNan, 0};
  html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("<td class=\"num\">–</td><td class=\"num\">–</td>"
                              "<td class=\"num\">0</td>"));
  EXPECT_THAT(html, Not(HasSubstr("fig-predicted")));  // no prediction: no map, no switch
  EXPECT_THAT(html, Not(HasSubstr("Predicted by the fit")));
}

TEST(RankPage, HatchesPairsOfFewerThanFiveVotes) {
  RankPage page = two_models();
  page.pairs = PairMatrix{.models = {"first", "second"}, .cells = std::vector<PairCell>(4)};
  page.pairs->cells[1] = {0.75, 0.6, 4};
  page.pairs->cells[2] = {0.25, 0.4, 5};
  const std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("<g class=\"q15 sparse\""));
  EXPECT_THAT(html, HasSubstr("<g class=\"q5\""));
  EXPECT_THAT(html, HasSubstr("<g class=\"q12\""));  // a prediction needs no votes
}

TEST(RankPage, ShowsTheStrongestCycleFirstInTheMap) {
  RankPage page = two_models();
  page.rows.push_back({.rank = 3, .model = "third", .rating = {800}});
  page.pairs = PairMatrix{.models = {"first", "second", "third"},
                          .cells = std::vector<PairCell>(9, PairCell{0.5, 0.5, 9})};
  page.cycles = CycleReport{
      .found = 1, .strongest = {{{"third", "first", "second"}, {0.9, 0.88, 0.871}}}, .note = {}};
  std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("aria-hidden=\"true\"><span dir=\"auto\">third</span>"
                              "<span dir=\"auto\">first</span>"));
  EXPECT_THAT(html, HasSubstr("<rect class=\"frame\""));
  EXPECT_THAT(html, HasSubstr("third beats first with 90%, first beats second with 88%, second "
                              "beats third with 87%</desc>"));
  EXPECT_THAT(html, HasSubstr("1 cycle of three models found"));
  page.cycles = CycleReport{};
  html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("The fit has no cycle"));
  EXPECT_THAT(html, Not(HasSubstr("<rect class=\"frame\"")));
  page.cycles.reset();
  EXPECT_THAT(render_rank_page(page), Not(HasSubstr("id=\"cycles\"")));
}

TEST(RankPage, ShowsCalibrationAsNumbers) {
  RankPage page = two_models();
  page.calibration = Calibration{.bins = {{0.625, {0.61, Interval{0.57, 0.65}}, 1'234}},
                                 .log_loss = 0.64306,
                                 .brier = 0.2261,
                                 .calibration_error = 0.0149,
                                 .note = "held out"};
  const std::string html = render_rank_page(page);
  for (const std::string_view text :
       {"0.6431", "0.2261", "0.0149", "predicted 62%, observed 61% (57% to 65%), 1,234 votes",
        "<td class=\"num\">57% to 65%</td>"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(RankPage, ShowsStyleAsOddsToo) {
  RankPage page = two_models();
  page.style = {{"length", {0.895880, Interval{0.5, 1.25}}, ""}};
  const std::string html = render_rank_page(page);
  // e^0.895880 = 2.4495, the ratio of the odds 8:2 and 4:6 under the root (√6).
  EXPECT_THAT(html, HasSubstr("<td class=\"num\">+0.896</td><td class=\"num\">0.500 to 1.250</td>"
                              "<td class=\"num\">2.45</td>"));
}

TEST(RankPage, GroupsHaveTablesLinksAndReasons) {
  RankPage page = two_models();
  page.grouped_by = "language";
  page.groups = {
      {.name = "English", .votes = 700, .rows = {page.rows[1], page.rows[0]}, .notes = {}},
      {.name = "<Deutsch>",
       .votes = 30,
       .rows = {},
       .notes = {{NoteLevel::kWarning, "not linked: {first} and {second}"}}}};
  page.groups[0].rows[0].rank = 1;
  page.groups[0].rows[1].rank = 2;
  const std::string html = render_rank_page(page);
  EXPECT_THAT(html, HasSubstr("<h2 id=\"groups-h\">By language</h2>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"#group-1\" dir=\"auto\">&lt;Deutsch&gt;</a> (30)"));
  EXPECT_THAT(html, HasSubstr("<section class=\"group\" id=\"group-1\""));
  EXPECT_THAT(html, HasSubstr("not linked: {first} and {second}"));
  // The overview: first of all, second in English, absent in the other group.
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\" dir=\"auto\">first</th><td class=\"num\">1</td>"
                              "<td class=\"num\">2</td><td class=\"num\">–</td>"));
}

TEST(RankPage, SaysWhatItLeavesOut) {
  const std::string html = render_rank_page(test::crowded_rank_page(200));
  EXPECT_THAT(html, HasSubstr("The first 60 of 200 models."));
  EXPECT_THAT(html,
              HasSubstr("The first 40 of 200 models; the other 160 are left out of the map."));
  EXPECT_THAT(html, HasSubstr("200 models; the first 100 are shown."));
  // Every model has its row: the board's, and a hundred in each of two groups.
  EXPECT_EQ(count_of(html, "<td class=\"rank\">"), 400U);
}

TEST(RankPage, StaysSmall) {
  EXPECT_LT(render_rank_page(test::crowded_rank_page(200)).size(), 1'600'000U);
  EXPECT_LT(render_rank_page(test::crowded_rank_page(1'000)).size(), 3'000'000U);
  // Beyond a thousand models a row is its numbers.
  const size_t large = render_rank_page(test::crowded_rank_page(10'000)).size();
  EXPECT_LT(large, 3'000'000U + 9'000U * 500U);
}

TEST(RankPage, KeepsHostileTextInert) {
  const std::string html = render_rank_page(test::sample_rank_page());
  for (const std::string_view text : test::kXssCorpus) {
    if (text.find('<') != std::string_view::npos) {
      EXPECT_THAT(html, Not(HasSubstr(std::string(text))));
    }
  }
  for (const std::string_view forbidden :
       {"<img", "<iframe", "<base", "<form", "<link rel=stylesheet", "onerror=\"",
        "href=\"javascript", "href=\"http", "src=\""}) {
    EXPECT_EQ(html.find(forbidden), std::string::npos) << forbidden;
  }
  // One script, the page's own, let in by the hash of exactly its text.
  EXPECT_EQ(count_of(html, "<script"), 1U);
  EXPECT_THAT(html, HasSubstr("default-src &#39;none&#39;"));
  EXPECT_THAT(html, HasSubstr("script-src &#39;sha256-"));
  EXPECT_THAT(html, Not(HasSubstr("script-src &#39;unsafe")));
}

TEST(RankPage, IsDeterministic) {
  EXPECT_EQ(render_rank_page(test::sample_rank_page()), render_rank_page(test::sample_rank_page()));
}

TEST(RankPage, TakesOneModelAndNone) {
  std::string html = render_rank_page(test::lone_rank_page());
  EXPECT_THAT(html, HasSubstr("</strong> has the rating <strong"));
  EXPECT_THAT(html, HasSubstr("There is no other model to compare it with."));
  EXPECT_THAT(html, Not(HasSubstr("leads")));
  EXPECT_THAT(html, Not(HasSubstr("#ratings")));
  html = render_rank_page({});
  EXPECT_THAT(html, HasSubstr("There are no ratings yet."));
  EXPECT_THAT(html, HasSubstr("No model has a rating."));
  EXPECT_THAT(html, HasSubstr("<dt>Ties</dt><dd>–"));
}

TEST(RankPage, ShowsDashesForWhatIsNoNumber) {
  RankPage page = test::sample_rank_page();
  const double infinity = std::numeric_limits<double>::infinity();
  page.rows[0].rating = {kNan, Interval{kNan, kNan}};
  page.rows[1].rating = {infinity, Interval{-infinity, infinity}};
  page.rows[2].outer = Interval{kNan, infinity};
  page.rows[3].win_rate = kNan;
  page.rows[4].without_style = WithoutStyle{kNan, 3};
  page.rows[5].without_style.reset();
  page.lead = Estimate{kNan, Interval{kNan, kNan}};
  page.calibration->bins[0] = {kNan, {kNan, Interval{kNan, kNan}}, 0};
  page.calibration->brier = kNan;
  page.style[0].value = {kNan, Interval{kNan, kNan}};
  page.parameters[0].value = {kNan};
  page.cycles->strongest[0].probabilities[1] = kNan;
  const std::string html = render_rank_page(page);
  const std::string body =
      html.substr(html.find("<body>"), html.find("<script>") - html.find("<body>"));
  for (const std::string_view text : {"nan", "inf ", "inf<", ">-<"}) {
    EXPECT_THAT(body, Not(HasSubstr(text)));
  }
  EXPECT_THAT(body, HasSubstr("<b>–</b><small>–</small>"));
  EXPECT_EQ(first_unbalanced(html), "");
}

}  // namespace
}  // namespace cupel::report
