#include "report/data_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/sample_data_page.h"
#include "web/xss_corpus.h"

namespace cupel::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LengthBins, AreOfRoundWidthAndHoldEveryLength) {
  const DataPage::Lengths lengths = length_bins({7, 3, 120, 9, 50, 118});
  EXPECT_EQ(lengths.shortest, 3);
  EXPECT_EQ(lengths.median, 9);
  EXPECT_EQ(lengths.longest, 120);
  EXPECT_EQ(lengths.from, 0);
  EXPECT_EQ(lengths.bin, 20);  // 13 bins of 10 are one too many
  EXPECT_THAT(lengths.counts, ElementsAre(3, 0, 1, 0, 0, 1, 1));
  EXPECT_EQ(length_bins({5}).from, 5);
  EXPECT_THAT(length_bins({5}).counts, ElementsAre(1));
  EXPECT_EQ(length_bins({118, 103}).from, 102);
  EXPECT_THAT(length_bins({118, 103}).counts, ElementsAre(1, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_TRUE(length_bins({}).counts.empty());
}

TEST(DataPage, SaysWhatIsLearntByElementNotByColourAlone) {
  DataPage page;
  page.files = {"rows.jsonl"};
  page.rows = {
      {.id = "rows.jsonl:1",
       .sequences = {
           {.tokens = {
                {.id = 5, .bytes = "<|im_start|>", .part = TokenPart::kTemplate, .control = true},
                {.id = 6,
                 .bytes = " yes",
                 .part = TokenPart::kCompletion,
                 .weight = 0.5,
                 .learnt = true}}}}}};
  const std::string html = render_data_page(page);
  EXPECT_THAT(html, HasSubstr("<span class=\"template control\" title=\"5 template, control token, "
                              "not learnt\">"
                              "&lt;|im_start|&gt;</span>"));
  EXPECT_THAT(html, HasSubstr("<mark class=\"completion\" title=\"6 completion, learnt with weight "
                              "0.5\"> yes</mark>"));
  EXPECT_THAT(html, HasSubstr("2 tokens, 1 of them learnt"));
}

TEST(DataPage, WeightsThatAreNotOneStandBeforeTheirTokensAndInTheTable) {
  const auto token = [](double weight) {
    return DataToken{.id = 7, .bytes = "a", .weight = weight, .learnt = weight != 0};
  };
  DataPage page;
  page.rows = {
      {.id = "r",
       .sequences = {{.name = "chosen",
                      .tokens = {token(1), token(0.25), token(0.25), token(0), token(0.25)}}}}};
  const std::string html = render_data_page(page);
  const std::string rows = html.substr(html.find("<article"));
  size_t shown = 0;
  for (size_t at = rows.find("<sub>\u00d70.25</sub><mark"); at != std::string::npos;
       at = rows.find("<sub>\u00d70.25</sub><mark", at + 1)) {
    ++shown;
  }
  EXPECT_EQ(shown, 2U);  // once for the two that follow each other
  EXPECT_THAT(rows, HasSubstr("aria-label=\"Tokens of chosen, r\""));
  EXPECT_THAT(rows, HasSubstr("<tr><td>7</td><td><span class=\"token\">a</span></td>"
                              "<td>template</td><td>0.25</td></tr>"));
  EXPECT_THAT(rows, HasSubstr("<td>template</td><td>not learnt</td></tr>"));
}

TEST(DataPage, SaysHowFullRowsAreWhereTheyArePacked) {
  DataPage page;
  page.packing = {.name = "bfd", .steps = 1, .bins = 2, .length = 100, .tokens = 150};
  EXPECT_THAT(render_data_page(page),
              HasSubstr("75%\u00a0full<small>bfd: 2 rows of up to 100 tokens"));
  page.packing.name = "none";
  EXPECT_THAT(render_data_page(page), HasSubstr("none<small>each row by itself</small>"));
}

TEST(DataPage, ATableSaysWhatEachBarCounts) {
  DataPage page;
  page.lengths = length_bins({3, 120});
  EXPECT_THAT(render_data_page(page),
              HasSubstr("<th scope=\"row\">120 to 139</th><td class=\"num\">1</td></tr></tbody>"));
}

TEST(DataPage, PartsOfCharactersAreShownAsBytes) {
  EXPECT_EQ(token_text({.bytes = "\xe2\x82"}), "\\xE2\\x82");
  EXPECT_EQ(token_text({.bytes = "\xe2\x82\xac"}), "\xe2\x82\xac");
}

TEST(DataPage, EscapesWhatTheDataSay) {
  const std::string html = render_data_page(test::sample_data_page());
  for (const std::string_view attack : test::kXssCorpus) {
    if (attack.find('<') != std::string_view::npos) {
      EXPECT_FALSE(html.find(attack) != std::string::npos) << attack;
    }
  }
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace cupel::report
