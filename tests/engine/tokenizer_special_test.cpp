#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/tokenizer/special_tokens.h"

namespace cupel::engine {
namespace {

std::string spell(const SpecialTokens& specials, std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const SpecialTokens::Match match = specials.find(text, at);
    const size_t end = match.id >= 0 ? match.begin : text.size();
    out += text.substr(at, end - at);
    out += match.id >= 0 ? "[" + std::to_string(match.id) + "]" : "";
    at = end + match.length;
  }
  return out;
}

TEST(SpecialTokens, TakesTheLongestOfThoseThatBeginFirst) {
  const SpecialTokens specials({{"<a>", 1}, {"<a>b", 2}, {"\n", 3}, {"\n\n", 4}, {"", 5}});
  EXPECT_EQ(spell(specials, "x<a>bc<a>c<a"), "x[2]c[1]c<a");
  EXPECT_EQ(spell(specials, "\n\n\n"), "[4][3]");
  EXPECT_EQ(spell(specials, ""), "");
  EXPECT_EQ(specials.exact("<a>b"), 2);
  EXPECT_EQ(specials.exact("<a"), -1);
  EXPECT_EQ(spell(SpecialTokens(), "<a>"), "<a>");
}

TEST(SpecialTokens, FallsBackToAShorterTokenWhenALongerOneBreaksOff) {
  const SpecialTokens specials({{"ab", 1}, {"abcde", 2}, {"cd", 3}});
  EXPECT_EQ(spell(specials, "abcdx"), "[1][3]x");
}

TEST(SpecialTokens, EqualsTheObviousSearchOnRandomTokens) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    std::vector<std::string> texts;
    for (uint64_t i = 0; i < 1 + rng.below(8); ++i) {
      std::string token;
      for (uint64_t k = 0; k < 1 + rng.below(4); ++k) {
        token += static_cast<char>("ab\xFF"[rng.below(3)]);
      }
      if (std::ranges::find(texts, token) == texts.end()) {
        texts.push_back(token);
      }
    }
    std::vector<SpecialTokens::Entry> entries;
    for (size_t i = 0; i < texts.size(); ++i) {
      entries.push_back({texts[i], static_cast<TokenId>(i)});
    }
    const SpecialTokens specials(entries);
    std::string text;
    for (int i = 0; i < 30; ++i) {
      text += static_cast<char>("ab\xFF"[rng.below(3)]);
    }
    SpecialTokens::Match expected;
    for (size_t at = 0; at < text.size() && expected.id < 0; ++at) {
      for (const auto& entry : entries) {
        if (text.compare(at, entry.text.size(), entry.text) == 0 &&
            entry.text.size() > expected.length) {
          expected = {at, entry.text.size(), entry.id};
        }
      }
    }
    const SpecialTokens::Match found = specials.find(text, 0);
    ASSERT_EQ(found.id, expected.id) << "seed " << seed;
    ASSERT_EQ(found.begin, expected.begin) << "seed " << seed;
  }
}

}  // namespace
}  // namespace cupel::engine
