// SmolLM2-135M-Instruct under 26 schemas, greedy and sampled: every answer is whole, valid JSON and
// satisfies its schema by a validator that shares nothing with the automaton.
#include <gtest/gtest.h>

#include "base/format.h"
#include "base/wait_for.h"
#include "decode/constraint/constraint.h"
#include "decode/constraint_schemas.h"
#include "decode/local_model.h"
#include "decode/schema_validator.h"
#include "support/test_paths.h"

namespace cupel::decode {
namespace {

constexpr const char* kSmolLm2 = "SmolLM2-135M-Instruct.Q4_1.gguf";
constexpr const char* kGemma3 = "gemma-3-270m.Q4_K_M.gguf";

std::unique_ptr<LocalModel> open_model(const char* name) {
  LocalModelOptions options;
  options.path = cupel::test::model_file(name);
  options.name = name;
  auto model = LocalModel::open(options);
  CUPEL_CHECK(model.has_value(), model ? "" : model.error().message);
  return std::move(*model);
}

ChatRequest ask(std::string_view schema, double temperature, int64_t sample) {
  ChatRequest request;
  request.messages = {
      text_message("user", format("Answer with JSON that follows this schema: {}", schema))};
  request.sampling.temperature = temperature;
  request.sampling.top_p = temperature > 0 ? 0.95 : 1;
  request.sampling.max_tokens = 1500;
  request.sampling.seed = 12;
  request.sampling.constraint = {OutputConstraint::Kind::kJsonSchema, std::string(schema)};
  request.sample_index = sample;
  return request;
}

// All at once, so that they run in batches.
std::vector<ChatResponse> answers(LocalModel& model, const std::vector<ChatRequest>& requests) {
  std::vector<WaitFor<Result<ChatResponse>>> waiting(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    model.submit(requests[i], {.on_delta = {}, .on_done = waiting[i].callback()});
  }
  std::vector<ChatResponse> responses;
  for (auto& one : waiting) {
    auto response = one.get();
    CUPEL_CHECK(response.has_value(), response ? "" : response.error().message);
    responses.push_back(std::move(*response));
  }
  return responses;
}

TEST(ConstrainedModel, SmolLm2KeepsEverySchemaGreedyAndSampled) {
  CUPEL_SKIP_UNLESS(cupel::test::model_file(kSmolLm2),
                    "the model was not fetched: its answers are not shown");
  const auto model = open_model(kSmolLm2);
  const auto& schemas = constraint::test::sample_schemas();
  ASSERT_GE(schemas.size(), 20U);
  std::vector<ChatRequest> requests;
  for (const std::string_view schema : schemas) {
    requests.push_back(ask(schema, 0, 0));
    requests.push_back(ask(schema, 1, 0));
    requests.push_back(ask(schema, 1, 1));
  }
  const auto responses = answers(*model, requests);
  for (size_t i = 0; i < responses.size(); ++i) {
    const std::string& schema = requests[i].sampling.constraint.text;
    const std::string& text = responses[i].text;
    EXPECT_EQ(responses[i].finish_reason, FinishReason::kStop) << schema << "\n" << text;
    const auto value = parse_json(text);
    const auto parsed = parse_json(schema);
    ASSERT_TRUE(value.has_value()) << schema << "\n" << text;
    EXPECT_TRUE(constraint::test::SchemaValidator(*parsed).valid(*value)) << schema << "\n" << text;
  }
}

TEST(ConstrainedModel, Gemma3KeepsSchemasWithItsVocabularyOf262144) {
  CUPEL_SKIP_UNLESS(cupel::test::model_file(kGemma3),
                    "the model was not fetched: its answers are not shown");
  const auto model = open_model(kGemma3);
  const auto& schemas = constraint::test::sample_schemas();
  std::vector<ChatRequest> requests;
  for (const size_t i : {size_t{0}, size_t{4}, size_t{14}, size_t{21}}) {
    ChatRequest request = ask(schemas[i], 0.8, 0);
    request.raw_prompt = request.messages.front().text() + "\n";
    request.messages.clear();
    requests.push_back(request);
  }
  const auto responses = answers(*model, requests);
  for (size_t i = 0; i < responses.size(); ++i) {
    const std::string& schema = requests[i].sampling.constraint.text;
    const auto value = parse_json(responses[i].text);
    ASSERT_TRUE(value.has_value()) << schema << "\n" << responses[i].text;
    EXPECT_TRUE(constraint::test::SchemaValidator(*parse_json(schema)).valid(*value));
  }
}

}  // namespace
}  // namespace cupel::decode
