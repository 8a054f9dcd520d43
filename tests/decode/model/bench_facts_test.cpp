#include <gtest/gtest.h>

#include "decode/bench/subject.h"
#include "support/test_paths.h"

namespace cupel::decode::bench {
namespace {

ModelFacts facts_of(const std::string& path) {
  LocalModelOptions options{.path = path};
  options.engine.threads = 1;
  auto subject = Subject::open(options);
  CUPEL_CHECK(subject.has_value());
  return (*subject)->facts("m");
}

// Expected: the sizes of the tensors in the files, as `cupel inspect` lists them.
TEST(BenchFacts, OfSmolLm2) {
  const std::string path = test::model_file("SmolLM2-135M-Instruct.Q4_1.gguf");
  CUPEL_SKIP_UNLESS(path, "the model was not fetched: its bytes are not checked");
  const ModelFacts facts = facts_of(path);
  EXPECT_EQ(facts.step_weight_bytes, 66355200 + 30081024);
  EXPECT_EQ(facts.weight_bytes, facts.step_weight_bytes);
  // Keys and values of 30 layers and 3 heads: 64 numbers of 16 bits and a scale each.
  EXPECT_EQ(facts.cache_bytes_per_position, 2 * 30 * 3 * (64 * 2 + 4));
  EXPECT_EQ(facts.parameters, 134515008);
  ASSERT_EQ(facts.types.size(), 3U);
  EXPECT_EQ(facts.types[0].type, "Q4_1");
  EXPECT_EQ(facts.types[0].tensors, 210);
}

TEST(BenchFacts, OfGemma3) {
  const std::string path = test::model_file("gemma-3-270m.Q4_K_M.gguf");
  CUPEL_SKIP_UNLESS(path, "the model was not fetched: its bytes are not checked");
  const ModelFacts facts = facts_of(path);
  // 246.6 MB of tensors without the 223,744 bytes of the norms. Ids are looked up in the tied head.
  EXPECT_EQ(facts.step_weight_bytes, 246587904 - 223744);
  EXPECT_EQ(facts.cache_bytes_per_position, 2 * 18 * 1 * (256 * 2 + 4));
}

}  // namespace
}  // namespace cupel::decode::bench
