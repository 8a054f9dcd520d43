#include "curate/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cupel::curate {
namespace {

using testing::HasSubstr;

Result<Rule> parse(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json.has_value()) << text;
  return Rule::parse(*json);
}

constexpr std::string_view kShort = R"({"kind": "words", "max": 3})";
constexpr std::string_view kBoth =
    R"([{"kind": "words", "max": 3}, {"question": "Is it kind?", "program": {"kind": "contains", "any": ["please"]}}])";

TEST(Rule, OneProgramIsOneItem) {
  const auto rule = parse(kShort);
  ASSERT_TRUE(rule.has_value()) << rule.error().message;
  ASSERT_EQ(rule->items().size(), 1U);
  EXPECT_THAT(rule->items()[0].question, HasSubstr("words"));
  EXPECT_TRUE(rule->grade("one two three").passes());
  EXPECT_FALSE(rule->grade("one two three four").passes());
}

TEST(Rule, TheScoreIsTheShareOfItemsThatHold) {
  const auto rule = parse(kBoth);
  ASSERT_TRUE(rule.has_value()) << rule.error().message;
  EXPECT_EQ(rule->items()[1].question, "Is it kind?");
  EXPECT_EQ(rule->grade("sit down please").score(), 1);
  EXPECT_EQ(rule->grade("sit down").score(), 0.5);
  EXPECT_FALSE(rule->grade("sit down").passes());
  EXPECT_EQ(rule->grade("would all of you sit down").score(), 0);
}

TEST(Rule, NamesTheItemThatIsNone) {
  EXPECT_THAT(parse("[]").error().message, HasSubstr("empty"));
  EXPECT_THAT(parse(R"([{"kind": "words", "max": 3}, 7])").error().message,
              HasSubstr("item 2 of the rule is integer"));
  EXPECT_THAT(parse(R"({"kind": "wordz", "max": 3})").error().message,
              HasSubstr("did you mean \"words\""));
  EXPECT_EQ(parse(R"({"kind": "wordz"})").error().code, Code::kCorruptData);
}

TEST(Rule, WhatOnlyAJudgeCanDecideIsRefused) {
  const auto rule = Rule::of_checklist({{.id = "4.1.2", .question = "Is it witty?"}});
  ASSERT_FALSE(rule.has_value());
  EXPECT_EQ(rule.error().code, Code::kUnsupported);
  EXPECT_THAT(rule.error().message, HasSubstr("4.1.2"));
}

}  // namespace
}  // namespace cupel::curate
