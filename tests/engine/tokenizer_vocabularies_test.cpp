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

TEST(TokenizerFromGguf, RefusesWordPieceByName) {
  const std::string path = test::shared_data("tokenizers/bert-bge.gguf");
  CUPEL_SKIP_UNLESS(path, "no tokenizers in the shared test data: WordPiece not tried");
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto tokenizer = load_tokenizer(*file);
  ASSERT_FALSE(tokenizer.has_value());
  EXPECT_EQ(tokenizer.error().code, Code::kUnsupported);
  EXPECT_NE(tokenizer.error().message.find("\"bert\""), std::string::npos);
  EXPECT_NE(tokenizer.error().message.find("bert-bge.gguf"), std::string::npos);
}

}  // namespace
}  // namespace cupel::engine
