#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/tokenizer/make_tokenizer.h"
#include "engine/tokenizer_fixtures.h"

namespace cupel::engine {
namespace {

/// A random vocabulary over a few letters, blanks and odd bytes: sound in about one of three.
struct RandomVocabulary {
  explicit RandomVocabulary(uint64_t seed) : rng(seed) {
    const bool careful = rng.below(2) == 0;
    const uint64_t count = rng.below(40);
    for (uint64_t i = 0; i < count; ++i) {
      std::string token = text(1 + rng.below(4));
      if (!careful || (is_valid_utf8(token) && std::ranges::count(texts, token) == 0)) {
        texts.push_back(token);
        data.token_types.push_back(static_cast<int32_t>(rng.below(30) == 0 ? rng.below(8) : 1));
        data.scores.push_back(static_cast<float>(rng.below(4)));
      }
    }
    for (const std::string& token : texts) {
      const size_t cut = rng.below(token.size() + 1);
      std::string merge = token.substr(0, cut) + " " + token.substr(cut);
      if (!careful ||
          (cut > 0 && cut < token.size() && std::ranges::count(texts, token.substr(0, cut)) > 0 &&
           std::ranges::count(texts, token.substr(cut)) > 0)) {
        merges.push_back(std::move(merge));
      }
    }
    data.tokens.assign(texts.begin(), texts.end());
    data.merges.assign(merges.begin(), merges.end());
    data.model = rng.below(2) == 0 ? "gpt2" : "llama";
    data.pre = rng.below(9) == 0 ? text(3) : "llama-bpe";
    const int64_t spread = careful ? 0 : 2;
    for (int64_t* id : {&data.bos, &data.eos, &data.unknown}) {
      *id = static_cast<int64_t>(rng.below(texts.size() + 1 + 2 * spread)) - 1 - spread;
    }
    data.add_space_prefix = rng.below(2) == 0;
  }
  std::string text(uint64_t length) {
    static const std::vector<std::string> parts{"a",      "b", " ",    "▁", "Ġ",
                                                "<0x41>", "é", "\xFF", "c"};
    std::string out;
    for (uint64_t i = 0; i < length; ++i) {
      out += parts[rng.below(rng.below(8) == 0 ? parts.size() : 3)];
    }
    return out;
  }
  Rng rng;
  TokenizerData data;
  std::vector<std::string> texts;
  std::vector<std::string> merges;
};

TEST(MakeTokenizer, RefusesOrServesRandomVocabulariesWithoutHarm) {
  size_t served = 0;
  for (uint64_t seed = 0; seed < 8000; ++seed) {
    RandomVocabulary random(seed);
    const auto made = make_tokenizer(random.data);
    if (!made) {
      ASSERT_FALSE(made.error().message.empty());
      ASSERT_TRUE(is_valid_utf8(made.error().message));
      ASSERT_EQ(made.error().message.find('\n'), std::string::npos);
      continue;
    }
    ++served;
    const std::string text = random.text(30);
    const auto size = static_cast<TokenId>((*made)->vocabulary_size());
    const std::vector<TokenId> ids =
        (*made)->encode(text, {.add_special = true, .parse_special = seed % 2 == 0});
    for (const TokenId id : ids) {
      ASSERT_TRUE(id >= 0 && id < size) << "seed " << seed;
    }
    ASSERT_LE((*made)->decode(ids, true).size(), 8 * text.size() + 64) << "seed " << seed;
  }
  EXPECT_GE(served, 1000U);
}

}  // namespace
}  // namespace cupel::engine
