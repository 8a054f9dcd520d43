#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/text.h"

namespace cupel {
namespace {

TEST(MatchesPattern, StarTakesAnyBytesAndQuestionMarkOne) {
  for (const auto& [text, pattern] :
       {std::pair("", ""), std::pair("", "*"), std::pair("a", "?"), std::pair("a/b.gguf", "*.gguf"),
        std::pair("abcbc", "a*bc"), std::pair("abc", "abc"), std::pair("a*c", "a*c"),
        std::pair("abc", "**?*c")}) {
    EXPECT_TRUE(matches_pattern(text, pattern)) << text << " " << pattern;
  }
  for (const auto& [text, pattern] :
       {std::pair("a", ""), std::pair("", "?"), std::pair("ab", "?"), std::pair("abc", "ab"),
        std::pair("abcb", "a*bc"), std::pair("A", "a"), std::pair("a.ggufx", "*.gguf")}) {
    EXPECT_FALSE(matches_pattern(text, pattern)) << text << " " << pattern;
  }
}

TEST(MatchesPattern, DoesNotExplodeWithManyStars) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) {
    pattern += "*a";
  }
  const Stopwatch watch;
  EXPECT_FALSE(matches_pattern(std::string(10000, 'a') + "b", pattern));
  EXPECT_LT(watch.seconds(), 5);
}

}  // namespace
}  // namespace cupel
