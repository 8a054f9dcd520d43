// Published vocabularies and the ids that the original tokenizers give (tests read them in place).
#include <cctype>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"
#include "engine/tokenizer_fixtures.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

class PublishedVocabulary : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string gguf() const {
    return test::shared_data(std::string("tokenizers/") + GetParam() + ".gguf");
  }
  [[nodiscard]] std::string jsonl() const {
    return test::shared_data(std::string("tokenizers/") + GetParam() + ".jsonl");
  }
};

TEST_P(PublishedVocabulary, GivesTheOriginalIds) {
  CUPEL_SKIP_UNLESS(gguf(), "no tokenizers in the shared test data: ids not compared");
  const auto tokenizer = test::open_tokenizer(gguf());
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_GE(test::check_ids(*tokenizer, jsonl()), 46U);
}

TEST_P(PublishedVocabulary, DecodesWhatItEncodes) {
  CUPEL_SKIP_UNLESS(gguf(), "no tokenizers in the shared test data: round trip not shown");
  const auto tokenizer = test::open_tokenizer(gguf());
  ASSERT_NE(tokenizer, nullptr);
  test::check_round_trips(*tokenizer, 400);
}

INSTANTIATE_TEST_SUITE_P(All,
                         PublishedVocabulary,
                         testing::Values("deepseek-llm",
                                         "falcon",
                                         "gpt-2",
                                         "llama-bpe",
                                         "llama-spm",
                                         "mpt",
                                         "phi-3",
                                         "qwen2",
                                         "starcoder"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::erase(name, '-');
                           return name;
                         });

// WordPiece cannot be decoded to what was encoded: it lowers and splits. Its ids are the
// original's.
TEST(WordPieceVocabulary, GivesTheOriginalIds) {
  const std::string gguf = test::shared_data("tokenizers/bert-bge.gguf");
  CUPEL_SKIP_UNLESS(gguf, "no tokenizers in the shared test data: ids not compared");
  const auto tokenizer = test::open_tokenizer(gguf);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(test::check_ids(*tokenizer, test::shared_data("tokenizers/bert-bge.jsonl")), 47U);
}

// 101 and 102 are [CLS] and [SEP] of BERT's vocabulary.
TEST(WordPieceVocabulary, PutsItsTokensAroundAText) {
  const std::string gguf = test::shared_data("tokenizers/bert-bge.gguf");
  CUPEL_SKIP_UNLESS(gguf, "no tokenizers in the shared test data: special tokens not shown");
  const auto tokenizer = test::open_tokenizer(gguf);
  ASSERT_NE(tokenizer, nullptr);
  using Ids = std::vector<TokenId>;
  EXPECT_EQ(tokenizer->encode("Hello world", {.add_special = true}), (Ids{101, 7592, 2088, 102}));
  EXPECT_EQ(tokenizer->encode("Hello world", {.add_special = true, .max_tokens = 3}),
            (Ids{101, 7592, 102}));
  EXPECT_EQ(tokenizer->encode("Hello world", {.add_special = true, .max_tokens = 0}),
            (Ids{101, 102}));
  EXPECT_EQ(tokenizer->encode("a [SEP]", {.parse_special = true}).back(), 102);
  EXPECT_NE(tokenizer->encode("a [SEP]", {}).back(), 102);
  EXPECT_EQ(tokenizer->decode(Ids{7592, 2088, 999}), "hello world!");
}

}  // namespace
}  // namespace cupel::engine
