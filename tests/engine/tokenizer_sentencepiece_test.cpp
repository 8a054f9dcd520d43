#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/tokenizer/make_tokenizer.h"
#include "engine/tokenizer_fixtures.h"

namespace cupel::engine {
namespace {

using Ids = std::vector<TokenId>;
constexpr TokenId kByte = 3;  // id of <0x00>

/// <unk> <s> </s>, 256 byte tokens, then pieces from id 259 on with falling scores.
struct SmallVocabulary {
  explicit SmallVocabulary(std::vector<std::string> pieces = {"▁", "a", "b", "ab", "▁a", "ba"}) {
    texts = {"<unk>", "<s>", "</s>"};
    for (int byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      texts.emplace_back(text);
    }
    data.token_types.assign(texts.size(), 6);
    data.token_types[0] = 2;
    data.token_types[1] = data.token_types[2] = 3;
    for (const std::string& piece : pieces) {
      texts.push_back(piece);
      data.token_types.push_back(1);
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      data.scores.push_back(-static_cast<float>(i));
    }
    data.model = "llama";
    data.tokens.assign(texts.begin(), texts.end());
    data.bos = 1;
    data.eos = 2;
    data.unknown = 0;
  }
  std::vector<std::string> texts;
  TokenizerData data;
};

std::unique_ptr<Tokenizer> make(const TokenizerData& data) {
  auto made = make_tokenizer(data);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return made ? std::move(made).value() : nullptr;
}

std::string error_of(const TokenizerData& data) {
  const auto made = make_tokenizer(data);
  EXPECT_FALSE(made.has_value());
  return made ? "" : made.error().message;
}

TEST(SentencePieceBpe, MergesTheHighestScoreFirstAndLeftmostOnTies) {
  SmallVocabulary small;
  // "▁ab": "ab" (262) scores better than "▁a" (263).
  EXPECT_EQ(make(small.data)->encode("ab", {}), (Ids{259, 262}));
  small.data.scores[263] = 0;
  EXPECT_EQ(make(small.data)->encode("ab", {}), (Ids{263, 261}));
  small = SmallVocabulary({"a", "aa", "aaa"});
  small.data.add_space_prefix = false;
  EXPECT_EQ(make(small.data)->encode("aaaaa", {}), (Ids{260, 261}));
}

TEST(SentencePieceBpe, PutsABlankBeforeTextAndTakesItAwayAgain) {
  SmallVocabulary small;
  const auto tokenizer = make(small.data);
  EXPECT_EQ(tokenizer->encode("", {}), Ids{});
  EXPECT_EQ(tokenizer->encode(" a", {}), (Ids{259, 263}));
  EXPECT_EQ(tokenizer->decode(Ids{259, 263}), " a");
  EXPECT_EQ(tokenizer->encode("b", {.add_special = true}), (Ids{1, 259, 261}));
  EXPECT_EQ(tokenizer->decode(Ids{1, 259, 261}), "b");
  EXPECT_EQ(tokenizer->encode("b</s>b", {.parse_special = true}), (Ids{259, 261, 2, 259, 261}));
  EXPECT_EQ(tokenizer->decode(Ids{259, 261, 2, 259, 261}, true), "b</s>b");
  small.data.add_space_prefix = false;
  EXPECT_EQ(make(small.data)->encode("b a", {}), (Ids{261, 263}));
  EXPECT_EQ(make(small.data)->decode(Ids{259, 261}), " b");
}

TEST(SentencePieceBpe, WritesCharactersWithoutATokenAsBytes) {
  const SmallVocabulary small;
  const auto tokenizer = make(small.data);
  EXPECT_EQ(tokenizer->encode("é\xFF", {}), (Ids{259, kByte + 0xC3, kByte + 0xA9, kByte + 0xFF}));
  EXPECT_EQ(tokenizer->decode(Ids{259, kByte + 0xC3, kByte + 0xA9}), "é");
  cupel::test::check_round_trips(*tokenizer, 500);
}

TEST(SentencePieceBpe, UsesOneUnknownTokenForARun) {
  SmallVocabulary small;
  small.data.tokens[kByte + 0xC3] = "<0xc4>";  // the byte C4 twice, none for C3
  EXPECT_NE(error_of(small.data).find("same text"), std::string::npos);
  small = SmallVocabulary();
  small.data.tokens[kByte + 0xC3] = "gone";
  small.data.token_types[kByte + 0xC3] = 1;
  EXPECT_EQ(make(small.data)->encode("aééb", {}), (Ids{263, 0, 261}));
  small.data.unknown = -1;
  EXPECT_NE(error_of(small.data).find("byte 195 has no byte token"), std::string::npos);
}

TEST(SentencePieceBpe, NeverMakesControlOrByteTokensOutOfText) {
  SmallVocabulary small({"<", "s", ">", "<s", "0", "x", "4", "1", "<0", "<0x", "<0x4", "<0x41"});
  const auto tokenizer = make(small.data);
  for (const char* text : {"<s>", "<0x41>", "<unk>"}) {
    const Ids ids = tokenizer->encode(text, {});
    EXPECT_GT(ids.size(), 2U);
    EXPECT_EQ(tokenizer->decode(ids), text);
  }
}

TEST(SentencePieceBpe, CutsUserDefinedTokensOutOfTheText) {
  SmallVocabulary small({"▁", "a", "▁a", "  ", "   ", "\n\n"});
  for (size_t id : {262U, 263U, 264U}) {
    small.data.token_types[id] = 4;
  }
  small.data.add_space_prefix = false;
  const auto tokenizer = make(small.data);
  EXPECT_EQ(tokenizer->encode("   a  a\n\n\n", {}), (Ids{263, 260, 262, 260, 264, kByte + '\n'}));
  EXPECT_EQ(tokenizer->encode("    a", {}), (Ids{263, 261}));
}

TEST(SentencePieceBpe, MergesAcrossWordsWhereAPieceReachesAcross) {
  SmallVocabulary small({"▁", "a", "b", "a▁", "a▁b", "▁b"});
  small.data.add_space_prefix = false;
  EXPECT_EQ(make(small.data)->encode("a b", {}), (Ids{263}));
  EXPECT_EQ(make(small.data)->encode("b b", {}), (Ids{261, 264}));
}

TEST(SentencePieceBpe, MergesLongRunsInTime) {
  const SmallVocabulary small({"a", "aa", "aaaa", "aaaaaaaa"});
  const std::string text(1 << 20U, 'a');
  EXPECT_EQ(make(small.data)->encode(text, {}).size(), (1U << 17U) + 1);
}

TEST(SentencePieceBpe, RefusesBrokenVocabularies) {
  SmallVocabulary bad;
  bad.data.scores.clear();
  EXPECT_NE(error_of(bad.data).find("scores is absent or empty"), std::string::npos);
  bad = SmallVocabulary();
  bad.data.scores.pop_back();
  EXPECT_NE(error_of(bad.data).find("scores has 264 entries for 265 tokens"), std::string::npos);
  bad = SmallVocabulary();
  bad.data.scores[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(error_of(bad.data).find("score of token 5 is not a number"), std::string::npos);
  bad = SmallVocabulary();
  bad.data.tokens[5] = "<0xZZ>";
  EXPECT_NE(error_of(bad.data).find("token 5 is marked as a byte"), std::string::npos);
  bad = SmallVocabulary();
  bad.data.tokens[260] = "b";
  EXPECT_NE(error_of(bad.data).find("tokens 260 and 261 have the same text"), std::string::npos);
}

}  // namespace
}  // namespace cupel::engine
