#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/make_tokenizer.h"
#include "engine/tokenizer_fixtures.h"

namespace cupel::engine {
namespace {

using Ids = std::vector<TokenId>;

/// All 256 bytes (id = byte), then "ab", "abc", " a", and three special tokens.
struct SmallVocabulary {
  SmallVocabulary() {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      append_utf8(texts.emplace_back(), byte_to_char(static_cast<uint8_t>(byte)));
    }
    for (const char* text : {"ab", "abc", "Ġa", "<|im_end|>", "<x>", "<x>y"}) {
      texts.emplace_back(text);
    }
    data.model = "gpt2";
    data.pre = "gpt-2";
    data.tokens.assign(texts.begin(), texts.end());
    data.token_types.assign(texts.size(), 1);
    data.token_types[259] = 3;
    data.token_types[260] = data.token_types[261] = 4;
    data.merges = {"a b", "ab c", "Ġ a"};
    data.bos = 259;
    data.eos = 259;
  }
  std::vector<std::string> texts;
  TokenizerData data;
};

std::unique_ptr<Tokenizer> make(const TokenizerData& data) {
  auto made = make_tokenizer(data);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return made ? std::move(made).value() : nullptr;
}

std::string error_of(const TokenizerData& data, Code code = Code::kCorruptData) {
  const auto made = make_tokenizer(data);
  EXPECT_FALSE(made.has_value());
  EXPECT_EQ(made ? Code::kInternal : made.error().code, code);
  return made ? "" : made.error().message;
}

bool says(const std::string& message, std::string_view part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
  return message.find(part) != std::string::npos;
}

TEST(ByteBpe, MergesLowestRankFirst) {
  const SmallVocabulary small;
  const auto tokenizer = make(small.data);
  EXPECT_EQ(tokenizer->encode("abc", {}), (Ids{257}));
  // " a" has the higher rank: "ab" is merged first, and what is left does not merge.
  EXPECT_EQ(tokenizer->encode("x ab a", {}), (Ids{'x', ' ', 256, 258}));
}

TEST(ByteBpe, TakesWholeWordsWhereMergesAreIgnored) {
  SmallVocabulary small;
  small.data.merges = {"a b"};
  EXPECT_EQ(make(small.data)->encode("abc", {}), (Ids{256, 'c'}));
  small.data.pre = "llama-bpe";
  EXPECT_EQ(make(small.data)->encode("abc", {}), (Ids{257}));
}

TEST(ByteBpe, ReadsSpecialTokensAsAsked) {
  const SmallVocabulary small;
  const auto tokenizer = make(small.data);
  EXPECT_EQ(tokenizer->encode("<x>ya<x>", {}), (Ids{261, 'a', 260}));
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {}).size(), 10U);
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {.parse_special = true}), (Ids{259}));
  EXPECT_EQ(tokenizer->decode(Ids{'a', 259, 260}), "a<x>");
  EXPECT_EQ(tokenizer->decode(Ids{'a', 259, 260}, true), "a<|im_end|><x>");
  EXPECT_TRUE(tokenizer->is_control(259));
  EXPECT_FALSE(tokenizer->is_control(260));
  EXPECT_TRUE(tokenizer->ends_generation(259));
  EXPECT_FALSE(tokenizer->ends_generation(-1));
  EXPECT_EQ(tokenizer->token_bytes(1000), "");
}

TEST(ByteBpe, AddsBosAndEosWhenTheFileAsks) {
  SmallVocabulary small;
  EXPECT_EQ(make(small.data)->encode("a", {.add_special = true}), (Ids{'a'}));
  small.data.add_bos = true;
  small.data.add_eos = true;
  EXPECT_EQ(make(small.data)->encode("a", {.add_special = true}), (Ids{259, 'a', 259}));
  EXPECT_EQ(make(small.data)->encode("a", {}), (Ids{'a'}));
}

TEST(ByteBpe, FindsTokensByTheirText) {
  const SmallVocabulary small;
  const auto tokenizer = make(small.data);
  EXPECT_EQ(tokenizer->find(" a"), 258);
  EXPECT_EQ(tokenizer->find("<x>y"), 261);
  EXPECT_EQ(tokenizer->find("zz"), -1);
}

TEST(ByteBpe, RoundTripsTextAndArbitraryBytes) {
  const SmallVocabulary small;
  cupel::test::check_round_trips(*make(small.data), 500);
}

TEST(ByteBpe, LeavesOutBytesWithoutAToken) {
  SmallVocabulary small;
  small.data.tokens[0x13] = "unused";
  EXPECT_EQ(make(small.data)
                ->encode("a\x13"
                         "b",
                         {}),
            (Ids{'a', 'b'}));
  // Inside one word the neighbours then merge, as in `tokenizers`.
  small.data.tokens['!'] = "unused2";
  small.data.tokens[256] = ".,";
  small.data.merges = {". ,"};
  EXPECT_EQ(make(small.data)->encode(".!,", {}), (Ids{256}));
}

TEST(ByteBpe, MergesAMegabyteOfOneLetterInTime) {
  SmallVocabulary small;
  small.texts.emplace_back("abcabc");
  small.data.tokens.assign(small.texts.begin(), small.texts.end());
  small.data.token_types.push_back(1);
  small.data.merges = {"a b", "ab c", "abc abc"};
  std::string text;
  for (int i = 0; i < 400000; ++i) {
    text += "abc";
  }
  EXPECT_EQ(make(small.data)->encode(text, {}).size(), 200000U);
}

TEST(ByteBpe, RefusesBrokenVocabularies) {
  const SmallVocabulary good;
  SmallVocabulary bad;
  bad.data.tokens.clear();
  bad.data.token_types.clear();
  EXPECT_TRUE(says(error_of(bad.data), "tokens is empty"));

  bad = SmallVocabulary();
  bad.data.token_types.pop_back();
  EXPECT_TRUE(says(error_of(bad.data), "token_type has 261 entries for 262 tokens"));

  bad = SmallVocabulary();
  bad.data.scores.resize(3);
  EXPECT_TRUE(says(error_of(bad.data), "scores has 3 entries for 262 tokens"));

  bad = SmallVocabulary();
  bad.data.token_types[7] = 9;
  EXPECT_TRUE(says(error_of(bad.data), "token 7 has type 9"));

  bad = SmallVocabulary();
  bad.data.tokens[257] = "\xFFoops";
  EXPECT_TRUE(says(error_of(bad.data), "token 257 is not valid UTF-8"));

  for (const int64_t id : {int64_t{-2}, int64_t{262}, int64_t{1} << 40U}) {
    bad = SmallVocabulary();
    bad.data.eos = id;
    EXPECT_TRUE(says(error_of(bad.data), "eos_token_id is " + std::to_string(id)));
  }
}

TEST(ByteBpe, RefusesTwoTokensOfTheSameText) {
  SmallVocabulary bad;
  bad.data.tokens[257] = "ab";
  EXPECT_TRUE(says(error_of(bad.data), "tokens 256 and 257 have the same text \"ab\""));
  bad = SmallVocabulary();
  bad.data.tokens[261] = "<x>";
  EXPECT_TRUE(says(error_of(bad.data), "tokens 260 and 261"));
  bad = SmallVocabulary();
  bad.data.tokens[260] = "ab";
  EXPECT_TRUE(says(error_of(bad.data), "tokens 256 and 260"));
}

TEST(ByteBpe, RefusesBrokenMerges) {
  SmallVocabulary bad;
  bad.data.merges.clear();
  EXPECT_TRUE(says(error_of(bad.data), "merges is absent or empty"));
  for (const char* merge : {"ab", "", "a ", " a"}) {
    bad.data.merges = {"a b", merge};
    EXPECT_TRUE(says(error_of(bad.data), "merge 1 is"));
  }
  bad.data.merges = {"a zz"};
  EXPECT_TRUE(says(error_of(bad.data), "needs the piece \"zz\""));
  bad.data.merges = {"b a"};
  EXPECT_TRUE(says(error_of(bad.data), "needs the piece \"ba\""));
}

TEST(ByteBpe, RefusesToAddATokenThatTheFileDoesNotName) {
  SmallVocabulary bad;
  bad.data.add_bos = true;
  bad.data.bos = -1;
  EXPECT_TRUE(says(error_of(bad.data), "no bos_token_id"));
}

TEST(MakeTokenizer, NamesAKindThatItDoesNotKnow) {
  SmallVocabulary bad;
  bad.data.model = "t5";
  EXPECT_TRUE(says(error_of(bad.data, Code::kUnsupported), "\"t5\""));
  bad = SmallVocabulary();
  bad.data.pre = "gpt2";
  EXPECT_TRUE(says(error_of(bad.data, Code::kUnsupported), "did you mean \"gpt-2\"?"));
  bad.data.pre = "";
  EXPECT_TRUE(says(error_of(bad.data, Code::kFailedPrecondition), "--tokenizer-pre"));
}

}  // namespace
}  // namespace cupel::engine
