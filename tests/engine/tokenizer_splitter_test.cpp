#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/split_pattern.h"
#include "engine/tokenizer_fixtures.h"

namespace cupel::engine {
namespace {

using Words = std::vector<std::string>;

PreTokenizer make(std::string_view name, PreTokenizer::Engine engine) {
  auto made = PreTokenizer::create(name, engine);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return std::move(made).value();
}

Words split(const PreTokenizer& pre, std::string_view text) {
  Pieces pieces;
  pre.split(text, pieces);
  return {pieces.begin(), pieces.end()};
}

Words split(std::string_view name, std::string_view text) {
  return split(make(name, PreTokenizer::Engine::kPatterns), text);
}

TEST(SplitPattern, WhiteSpaceIsUnicodesWhiteSpace) {
  const auto space = compile_split_pattern(R"(\s)");
  const auto other = compile_split_pattern(R"([^\s])");
  const auto not_space = compile_split_pattern(R"(\S)");
  ASSERT_TRUE(space.has_value() && other.has_value() && not_space.has_value());
  for (uint32_t c = 0; c < 0x3100; ++c) {
    if (c >= 0xD800 && c < 0xE000) {
      continue;
    }
    std::string text;
    append_utf8(text, c);
    // White_Space of the Unicode Character Database (PropList.txt).
    const bool expected = (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 ||
                          c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
                          c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
    EXPECT_EQ(space->find(text, 0).found, expected) << c;
    EXPECT_EQ(other->find(text, 0).found, !expected) << c;
    EXPECT_EQ(not_space->find(text, 0).found, !expected) << c;
    EXPECT_EQ(char_class(c) == CharClass::kSpace, expected) << c;
  }
}

TEST(SplitPattern, DollarIsTheVeryEnd) {
  const auto regex = compile_split_pattern("a$");
  ASSERT_TRUE(regex.has_value());
  EXPECT_FALSE(regex->find("a\n", 0).found);
  EXPECT_TRUE(regex->find("\na", 0).found);
}

TEST(SplitPattern, NamesThePlaceOfAMistake) {
  const auto regex = compile_split_pattern("a(b");
  ASSERT_FALSE(regex.has_value());
  EXPECT_EQ(regex.error().code, Code::kInvalidArgument);
  EXPECT_NE(regex.error().message.find("byte 3"), std::string::npos) << regex.error().message;
}

TEST(CharClass, AgreesWithThePatternEngineOnEveryCharacter) {
  const auto letter = compile_split_pattern(R"(\p{L})");
  const auto number = compile_split_pattern(R"(\p{N})");
  ASSERT_TRUE(letter.has_value() && number.has_value());
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) {
      continue;
    }
    std::string text;
    append_utf8(text, c);
    const CharClass kind = char_class(c);
    ASSERT_EQ(letter->find(text, 0).found, kind == CharClass::kLetter) << c;
    ASSERT_EQ(number->find(text, 0).found, kind == CharClass::kNumber) << c;
  }
}

TEST(PreTokenizer, EveryNameOfTheTableCompiles) {
  for (const std::string& name : pre_tokenizer_names()) {
    const auto made = PreTokenizer::create(name, PreTokenizer::Engine::kPatterns);
    EXPECT_TRUE(made.has_value()) << name << ": " << (made ? "" : made.error().message);
  }
  EXPECT_TRUE(std::ranges::is_sorted(pre_tokenizer_names()));
}

TEST(PreTokenizer, PiecesOfEveryKindAreTheText) {
  for (const std::string& name : pre_tokenizer_names()) {
    const PreTokenizer pre = make(name, PreTokenizer::Engine::kPatterns);
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const std::string text = test::random_text(seed, 80);
      std::string joined;
      for (const std::string& word : split(pre, text)) {
        EXPECT_FALSE(word.empty());
        joined += word;
      }
      ASSERT_EQ(joined, text) << name << ", seed " << seed;
    }
  }
}

TEST(PreTokenizer, HandWrittenSplittersEqualTheirPatterns) {
  for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    const PreTokenizer fast = make(name, PreTokenizer::Engine::kFastest);
    const PreTokenizer patterns = make(name, PreTokenizer::Engine::kPatterns);
    for (uint64_t seed = 0; seed < 4000; ++seed) {
      const std::string text = test::random_text(seed, 60);
      ASSERT_EQ(split(fast, text), split(patterns, text)) << name << ", seed " << seed;
    }
  }
}

// Worked by hand from the published patterns.
TEST(PreTokenizer, SplitsAsTheKindAsks) {
  EXPECT_EQ(split("gpt-2", "I'll  go 42x!\n"),
            (Words{"I", "'ll", " ", " go", " 42", "x", "!", "\n"}));
  EXPECT_EQ(split("gpt-2", "I'LL"), (Words{"I", "'", "LL"}));
  EXPECT_EQ(split("smollm", "a  42"), (Words{"a", "  ", "4", "2"}));
  EXPECT_EQ(split("llama-bpe", "I'LL go 12345\n\n x"),
            (Words{"I", "'LL", " go", " ", "123", "45", "\n\n", " x"}));
  EXPECT_EQ(split("qwen2", "(a)12 ..\n"), (Words{"(a", ")", "1", "2", " ..\n"}));
  EXPECT_EQ(split("falcon", "a, b 1234"), (Words{"a", ",", " b", " ", "123", "4"}));
  EXPECT_EQ(split("gpt-4o", "HTMLParser don't"), (Words{"HTMLParser", " don't"}));
  EXPECT_EQ(split("gpt-4o", "helloWorld"), (Words{"hello", "World"}));
  EXPECT_EQ(split("deepseek-v3", "a中文 123456"), (Words{"a", "中文", " ", "123", "456"}));
  EXPECT_EQ(split("kimi-k2", "a中文b"), (Words{"a", "中文", "b"}));
  EXPECT_EQ(split("bloom", "a, b"), (Words{"a", ",", " b"}));
}

TEST(PreTokenizer, RefusesAnUnknownNameAndSaysHowToOverrideIt) {
  const auto made = PreTokenizer::create("qwen-2");
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kUnsupported);
  EXPECT_NE(made.error().message.find("\"qwen-2\""), std::string::npos);
  EXPECT_NE(made.error().message.find("did you mean \"qwen2\"?"), std::string::npos);
  EXPECT_NE(made.error().message.find("--tokenizer-pre"), std::string::npos);
  EXPECT_EQ(PreTokenizer::create("").error().code, Code::kFailedPrecondition);
}

TEST(PreTokenizer, StaysLinearOnLongRuns) {
  const std::vector<std::string> runs{std::string(40000, ' ') + "x",  std::string(40000, 'a'),
                                      std::string(40000, 'A'),        std::string(40000, '7'),
                                      std::string(40000, '\n') + "x", std::string(40000, '.')};
  for (const std::string& name : pre_tokenizer_names()) {
    const PreTokenizer pre = make(name, PreTokenizer::Engine::kPatterns);
    for (const std::string& run : runs) {
      Pieces pieces;
      pre.split(run, pieces);  // quadratic time would be minutes
      EXPECT_FALSE(pieces.empty()) << name;
    }
  }
}

}  // namespace
}  // namespace cupel::engine
