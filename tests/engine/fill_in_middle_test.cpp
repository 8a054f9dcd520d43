// Prompts that fill a gap: the order prefix, suffix, middle of Bavarian et al. 2022 (arXiv
// 2207.14255). Proves: system 36
#include "engine/tokenizer/fill_in_middle.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "engine/tokenizer/from_json.h"

namespace cupel::engine {
namespace {

using testing::ElementsAre;

/// Characters as tokens, and these behind them.
std::unique_ptr<Tokenizer> tokenizer_with(const std::vector<std::string>& added) {
  std::string tokens;
  for (size_t i = 0; i < added.size(); ++i) {
    tokens += (i == 0 ? "" : ",") + std::string(R"({"special":true,"id":)") +
              std::to_string(3 + i) + R"(,"content":")" + added[i] + R"("})";
  }
  auto made = tokenizer_from_json(
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"é":2},"merges":[]},"added_tokens":[)" +
      tokens + "]}");
  CUPEL_CHECK(made.has_value(), made ? "" : made.error().message);
  return std::move(made).value();
}

TEST(FillInMiddle, ThePromptIsPrefixSuffixMiddle) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"<fim_prefix>", "<fim_middle>", "<fim_suffix>"},
        {"<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"},
        {"<fim-prefix>", "<fim-middle>", "<fim-suffix>"},
        {"<｜fim▁begin｜>", "<｜fim▁end｜>", "<｜fim▁hole｜>"}}) {
    const auto tokenizer = tokenizer_with(names);
    const auto tokens = find_fill_tokens(*tokenizer);
    ASSERT_TRUE(tokens.has_value()) << names[0];
    EXPECT_THAT(fill_prompt(*tokenizer, *tokens, "ab", "é"), ElementsAre(3, 0, 1, 5, 2, 4));
    EXPECT_THAT(fill_prompt(*tokenizer, *tokens, "", ""), ElementsAre(3, 5, 4));
    EXPECT_NE(fill_token_names().find(names[0]), std::string::npos);
  }
}

TEST(FillInMiddle, ControlTokensInTheTextsAreText) {
  const auto tokenizer = tokenizer_with({"<fim_prefix>", "<fim_middle>", "<fim_suffix>"});
  const auto ids = fill_prompt(*tokenizer, *find_fill_tokens(*tokenizer), "a<fim_middle>b", "a");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 4), 1);
  EXPECT_EQ(ids.back(), 4);
}

TEST(FillInMiddle, PaddingAndOtherFilesEndTheAnswerToo) {
  const auto tokenizer =
      tokenizer_with({"<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<file_sep>"});
  EXPECT_THAT(find_fill_tokens(*tokenizer)->ends, testing::UnorderedElementsAre(3, 4, 5, 6, 7));
}

TEST(FillInMiddle, VocabulariesWithoutAllThreeHaveNone) {
  EXPECT_FALSE(find_fill_tokens(*tokenizer_with({"<fim_prefix>", "<fim_middle>"})).has_value());
  EXPECT_FALSE(find_fill_tokens(*tokenizer_with({"<s>"})).has_value());
}

}  // namespace
}  // namespace cupel::engine
