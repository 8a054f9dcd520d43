#include "base/regex.h"

#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace cupel {
namespace {

Regex compile(std::string_view pattern, const RegexOptions& options = {}) {
  auto regex = Regex::compile(pattern, options);
  EXPECT_TRUE(regex.has_value()) << (regex ? "" : regex.error().message);
  return *regex;
}

TEST(Regex, FindsTheFirstMatchFromAPlace) {
  const Regex regex = compile("a+");
  const std::string text = "xaaya";
  EXPECT_EQ(regex.find(text).begin, 1U);
  EXPECT_EQ(regex.find(text).end, 3U);
  EXPECT_EQ(regex.find(text, 3).begin, 4U);
  EXPECT_FALSE(regex.find(text, 5).found);
  EXPECT_FALSE(regex.find(text, 5).gave_up);
}

TEST(Regex, CountsWithoutOverlapAndAlsoEmptyMatches) {
  EXPECT_EQ(compile("aa").count("aaaaa"), 2U);
  EXPECT_EQ(compile("").count("äb"), 3U);  // before, between and after two characters
  EXPECT_EQ(compile("x*").count(""), 1U);
}

TEST(Regex, OptionsMeanWhatTheySay) {
  EXPECT_EQ(compile("ä", {.ignore_case = true}).count("Ää"), 2U);
  EXPECT_EQ(compile("^b$", {.multiline = true}).count("a\nb\nb"), 2U);
  EXPECT_EQ(compile("^b$").count("a\nb\nb"), 0U);
  EXPECT_EQ(compile("b$").count("b\n"), 0U);
  EXPECT_EQ(compile(R"(\d)").count("1٣"), 1U);
  EXPECT_EQ(compile(R"(\d)", {.unicode_classes = true}).count("1٣"), 2U);
}

TEST(Regex, NamesThePlaceOfAMistakeOnOneLine) {
  for (const std::string_view pattern : {"a(b", "[", "a\n(", "(?P<x", R"(\C)"}) {
    const auto regex = Regex::compile(pattern);
    ASSERT_FALSE(regex.has_value()) << pattern;
    EXPECT_EQ(regex.error().code, Code::kInvalidArgument);
    EXPECT_NE(regex.error().message.find("at byte"), std::string::npos) << regex.error().message;
    EXPECT_EQ(regex.error().message.find('\n'), std::string::npos) << regex.error().message;
  }
}

// The classic catastrophe: without limits 2^n steps.
TEST(Regex, LimitsEndASearchThatExplodes) {
  const Regex regex = compile("(a|aa)+$", {.match_limit = 200'000, .depth_limit = 2'000});
  const std::string text = std::string(60, 'a') + "!";
  const Stopwatch watch;
  const Regex::Match match = regex.find(text);
  EXPECT_FALSE(match.found);
  EXPECT_TRUE(match.gave_up);
  EXPECT_LT(watch.seconds(), 2.0);
  EXPECT_TRUE(match.first_time);
  EXPECT_FALSE(regex.find(text).first_time);
  // Another pattern of the same thread keeps its own limits.
  EXPECT_TRUE(compile("(ab)*c").find(std::string(1000, 'x') + "ababc").found);
}

// Five hundred thousand tokens that each take a thousand steps would be minutes.
TEST(Regex, ABudgetBoundsManySearches) {
  const Regex slow = compile("(a+)+[cd]");
  const std::string text = std::string(12, 'a') + "b";  // 2^12 steps from its beginning
  {
    const RegexBudget budget({.match_limit = 10'000'000, .work = 10 * 14 * 14});
    for (int i = 0; i < 10; ++i) {
      EXPECT_FALSE(slow.find(text).gave_up) << i;
    }
    EXPECT_FALSE(budget.exceeded());
    EXPECT_TRUE(slow.find(text).gave_up);
    EXPECT_TRUE(budget.exceeded());
    const RegexBudget inner;  // of its own
    EXPECT_TRUE(slow.find("aac").found);
    EXPECT_FALSE(inner.exceeded());
  }
  EXPECT_FALSE(slow.find(text).gave_up);
  const RegexBudget few({.match_limit = 100});
  EXPECT_TRUE(slow.find(text).gave_up);
  EXPECT_TRUE(few.exceeded());
  EXPECT_TRUE(slow.find("aac").found);
}

}  // namespace
}  // namespace cupel
