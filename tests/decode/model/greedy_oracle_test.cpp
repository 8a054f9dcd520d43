// Greedy paths of both test models against transformers in f32 (bench/oracles/greedy_oracle.py; the
// fixtures name its version): 64 tokens identical, or first different where the reference's top two
// logits lie closer than twice the tolerance, which is 2e-3 with f32 activations and 0.03 with
// int8.
#include <algorithm>

#include <gtest/gtest.h>

#include "base/format.h"
#include "base/io.h"
#include "decode/local_model.h"
#include "support/test_paths.h"

namespace cupel::decode {
namespace {

struct Case {
  const char* id;
  const char* file;
  engine::Activations activations;
  double tolerance;
};

Result<Ok> compare_path(LocalModel& model, const Json& row, double near_tie) {
  CUPEL_TRY(const std::string text, get_string(row, "text"));
  ChatRequest request;
  request.raw_prompt = text;
  request.sampling.temperature = 0;
  request.sampling.max_tokens = 64;
  CUPEL_TRY(const ChatResponse response, complete(model, request));
  EXPECT_EQ(response.usage.prompt_tokens,
            static_cast<int64_t>(row.find("prompt_ids")->as_array().size()))
      << text;
  const auto& ids = row.find("ids")->as_array();
  const auto& gaps = row.find("gaps")->as_array();
  for (size_t i = 0; i < ids.size() && i < response.ids.size(); ++i) {
    if (response.ids[i] != ids[i].as_int()) {
      EXPECT_LT(gaps[i].as_double(), near_tie) << text << " differs at token " << i;
      return Ok{};
    }
  }
  // The reference goes on after an end token.
  const size_t expected = response.finish_reason == FinishReason::kStop ? response.ids.size() : 64;
  EXPECT_EQ(response.ids.size(), expected) << text;
  EXPECT_GE(response.ids.size(), 16U) << text;
  return Ok{};
}

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.id;
}

class GreedyOracle : public ::testing::TestWithParam<Case> {};

TEST_P(GreedyOracle, FollowsTransformers) {
  const Case& c = GetParam();
  CUPEL_SKIP_UNLESS(test::model_file(c.file), "the model was not fetched: greedy path not shown");
  LocalModelOptions options;
  options.path = test::model_file(c.file);
  options.name = c.id;
  options.engine.activations = c.activations;
  const auto model = LocalModel::open(options);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  size_t prompts = 0;
  const auto done = for_each_jsonl_file(test::test_data(format("oracles/greedy_{}.jsonl", c.id)),
                                        [&](Json&& row, size_t) -> Result<Ok> {
                                          if (!row.contains("prompt_ids")) {
                                            return Ok{};
                                          }
                                          ++prompts;
                                          return compare_path(**model, row, 2 * c.tolerance);
                                        });
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_GE(prompts, 3U);
}

constexpr const char* kSmolLm2 = "SmolLM2-135M-Instruct.Q4_1.gguf";
constexpr const char* kGemma3 = "gemma-3-270m.Q4_K_M.gguf";

INSTANTIATE_TEST_SUITE_P(
    Models,
    GreedyOracle,
    ::testing::Values(Case{"smollm2", kSmolLm2, engine::Activations::kFloat32, 2e-3},
                      Case{"smollm2", kSmolLm2, engine::Activations::kInt8, 0.03},
                      Case{"gemma3", kGemma3, engine::Activations::kFloat32, 2e-3},
                      Case{"gemma3", kGemma3, engine::Activations::kInt8, 0.03}),
    [](const auto& param) {
      const bool int8 = param.param.activations == engine::Activations::kInt8;
      return std::string(param.param.id) + (int8 ? "_int8" : "_f32");
    });

}  // namespace
}  // namespace cupel::decode
