// Ids of the two test models against `tokenizers` / `transformers` (versions in the fixture's first
// record).
#include <string>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/tokenizer_fixtures.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

struct OracleCase {
  const char* name;
  const char* model;
  const char* fixture;
  const char* disputed;  // "model" in tokens_disputed.jsonl
};

class TokenizerOracle : public testing::TestWithParam<OracleCase> {
 protected:
  void SetUp() override {
    const std::string model = test::model_file(GetParam().model);
    CUPEL_SKIP_UNLESS(model, "model " << GetParam().model << " absent: ids not compared");
    tokenizer_ = test::open_tokenizer(model);
    ASSERT_NE(tokenizer_, nullptr);
  }
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(TokenizerOracle, GivesTheReferenceIds) {
  EXPECT_GE(test::check_ids(*tokenizer_, test::test_data(GetParam().fixture)), 300U);
}

TEST_P(TokenizerOracle, AgreesWithTheReferenceWhereOthersDoNot) {
  size_t compared = 0;
  const auto row = [&](Json&& line, size_t number) -> Result<Ok> {
    if (!line.contains("model") || line.find("model")->as_string() != GetParam().disputed) {
      return Ok{};
    }
    test::check_line(*tokenizer_, line, "tokens_disputed.jsonl:" + std::to_string(number));
    ++compared;
    return Ok{};
  };
  const auto read = for_each_jsonl_file(test::test_data("oracles/tokens_disputed.jsonl"), row);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_GE(compared, 1U);
}

TEST_P(TokenizerOracle, DecodesWhatItEncodes) {
  test::check_round_trips(*tokenizer_, 400);
}

INSTANTIATE_TEST_SUITE_P(Models,
                         TokenizerOracle,
                         testing::Values(OracleCase{"SmolLM2", "SmolLM2-135M-Instruct.Q4_1.gguf",
                                                    "oracles/tokens_smollm2.jsonl", "smollm2"},
                                         OracleCase{"Gemma3", "gemma-3-270m.Q4_K_M.gguf",
                                                    "oracles/tokens_gemma3.jsonl", "gemma3"}),
                         [](const auto& instance) { return instance.param.name; });

TEST(TokenizerOfSmolLm2, EndsATurnWithItsOwnTokens) {
  const std::string model = test::model_file("SmolLM2-135M-Instruct.Q4_1.gguf");
  CUPEL_SKIP_UNLESS(model, "SmolLM2 absent: special tokens not looked at");
  const auto tokenizer = test::open_tokenizer(model);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->vocabulary_size(), 49152U);
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_TRUE(tokenizer->ends_generation(tokenizer->find("<|im_end|>")));
  EXPECT_TRUE(tokenizer->ends_generation(tokenizer->find("<|endoftext|>")));
  EXPECT_FALSE(tokenizer->ends_generation(tokenizer->find("<|im_start|>")));
  EXPECT_TRUE(tokenizer->is_control(tokenizer->find("<|im_start|>")));
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {.parse_special = true}).size(), 1U);
  EXPECT_GT(tokenizer->encode("<|im_end|>", {}).size(), 1U);
  EXPECT_EQ(tokenizer->encode("a", {.add_special = true}), tokenizer->encode("a", {}));
}

TEST(TokenizerOfGemma3, AddsBosAndKeepsHtmlTagsAsText) {
  const std::string model = test::model_file("gemma-3-270m.Q4_K_M.gguf");
  CUPEL_SKIP_UNLESS(model, "Gemma 3 absent: special tokens not looked at");
  const auto tokenizer = test::open_tokenizer(model);
  ASSERT_NE(tokenizer, nullptr);
  const std::vector<TokenId> ids = tokenizer->encode("Hi</s>", {.add_special = true});
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_EQ(ids.front(), 2);
  EXPECT_EQ(ids.back(), tokenizer->find("</s>"));
  EXPECT_FALSE(tokenizer->ends_generation(ids.back()));
  EXPECT_TRUE(tokenizer->ends_generation(tokenizer->find("<end_of_turn>")));
  EXPECT_EQ(tokenizer->decode(ids), "Hi</s>");
  EXPECT_EQ(tokenizer->decode(ids, true), "<bos>Hi</s>");
}

}  // namespace
}  // namespace cupel::engine
