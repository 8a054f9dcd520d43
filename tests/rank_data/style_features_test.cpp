#include "rank/style_features.h"

#include <gtest/gtest.h>

#include "rank/vote_reader.h"

namespace cupel::rank {
namespace {

// Counted by hand from the rules in the header.
TEST(CountStyle, CountsMarkdownOutsideCode) {
  const StyleCounts counts = count_style(
      "# One\n## Two\n####### seven are none\n#no space\n"
      "1. a\n  23. b\n2.x\n- c\n\t* d\n+ e\n-f\n"
      "some **bold** and __more__ **two** words, **not\nbold, ****, x\n"
      "```\n# code\n- code **b**\n```\nend `- x`\n# ");
  EXPECT_EQ(counts.headers, 3);
  EXPECT_EQ(counts.lists, 5);
  EXPECT_EQ(counts.bold, 3);
}

TEST(CountStyle, CountsCharactersNotBytes) {
  EXPECT_EQ(count_style("é😀a").characters, 3);
  EXPECT_EQ(count_style("").characters, 0);
}

TEST(CountStyle, AnOpenFenceHidesNothing) {
  EXPECT_EQ(count_style("```\n# a\n").headers, 1);
  EXPECT_EQ(count_style("``` `x` ```\n# a\n``` b ```\n# c\n").headers, 1);
}

/// Features of a file's rows.
std::vector<float> features(const Result<VoteFile>& file) {
  EXPECT_TRUE(file.has_value()) << (file.has_value() ? "" : file.error().message);
  return file.has_value() ? file->table.features().values : std::vector<float>();
}

TEST(StyleFeatures, ComeFromConversationMetadata) {
  const std::string row =
      R"({"model_a":"x","model_b":"y","winner":"tie","conv_metadata":{"sum_assistant_a_tokens":30,)"
      R"("sum_assistant_b_tokens":10,"header_count_a":{"h1":1,"h2":2},"header_count_b":{"h1":0,"h2":0},)"
      R"("list_count_a":{"ordered":1,"unordered":1},"list_count_b":{"ordered":4,"unordered":1},)"
      R"("bold_count_a":{"**":0,"__":0},"bold_count_b":{"**":1,"__":0}}})";
  const auto file =
      parse_votes(row + "\n", "v.jsonl", {.style = {"length", "headers", "lists", "bold"}});
  // (30−10)/40, 3/(3+1), (2−5)/(7+1), (0−1)/(1+1)
  EXPECT_EQ(features(file), (std::vector<float>{0.5F, 0.75F, -0.375F, -0.5F}));
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->table.features().names,
            (std::vector<std::string>{"length", "headers", "lists", "bold"}));
  EXPECT_TRUE(file->notes.empty());
}

TEST(StyleFeatures, ComeFromResponses) {
  const auto file = parse_votes(
      "model_a,model_b,winner,response_a,response_b\n"
      "x,y,tie,\"[\"\"- a\"\",\"\"- b\"\"]\",abcdefg\n"
      "x,y,tie,,\n",
      "v", {.style = {"length", "lists"}});
  // "- a\n- b" has 7 characters as has "abcdefg"; (2−0)/(2+1); empty against empty is 0.
  EXPECT_EQ(features(file), (std::vector<float>{0, 2.0F / 3, 0, 0}));
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->notes,
            (std::vector<std::string>{
                "style feature length: counted in response_a and response_b, in characters",
                "style feature lists: counted in response_a and response_b"}));
}

TEST(StyleFeatures, ComeFromColumnsOfTheirName) {
  const std::string head = "model_a,model_b,winner,emoji_a,emoji_b,length_a,length_b\n";
  const auto file =
      parse_votes(head + "x,y,tie,3,0,1.5,0.5\n", "v", {.style = {"emoji", "length"}});
  EXPECT_EQ(features(file), (std::vector<float>{0.75F, 0.5F}));
  for (const std::string bad : {"many", "", "-1", "nan", "1x"}) {
    const auto wrong = parse_votes(head + "x,y,tie,1," + bad + ",1,1\n", "v", {.style = {"emoji"}});
    ASSERT_FALSE(wrong.has_value()) << bad;
    EXPECT_EQ(wrong.error().message,
              "v:2: column emoji_b: \"" + bad + "\" is no count; expected a number of 0 or more");
  }
}

}  // namespace
}  // namespace cupel::rank
