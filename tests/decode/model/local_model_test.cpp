// The engine on a real model: the contracts of sampling and log-probs (design.md).
#include "decode/local_model.h"

#include <future>
#include <memory>

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::decode {
namespace {

constexpr const char* kModel = "SmolLM2-135M-Instruct.Q4_1.gguf";

std::unique_ptr<LocalModel> open_model(size_t threads, engine::Activations activations) {
  LocalModelOptions options;
  options.path = test::model_file(kModel);
  options.name = "smollm2";
  options.engine.threads = threads;
  options.engine.activations = activations;
  auto model = LocalModel::open(options);
  EXPECT_TRUE(model.has_value()) << (model ? "" : model.error().message);
  return model ? std::move(*model) : nullptr;
}

ChatRequest raw_request(const std::string& prompt, int64_t max_tokens, double temperature = 0) {
  ChatRequest request;
  request.raw_prompt = prompt;
  request.sampling.max_tokens = max_tokens;
  request.sampling.temperature = temperature;
  request.sampling.seed = 7;
  request.logprobs = true;
  return request;
}

// Submits all at once, so that they run in one batch.
std::vector<ChatResponse> complete_all(LocalModel& model,
                                       const std::vector<ChatRequest>& requests) {
  std::vector<std::promise<Result<ChatResponse>>> promises(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    model.submit(requests[i], {.on_delta = {}, .on_done = [&promises, i](Result<ChatResponse> r) {
                                 promises[i].set_value(std::move(r));
                               }});
  }
  std::vector<ChatResponse> responses;
  for (auto& promise : promises) {
    auto response = promise.get_future().get();
    EXPECT_TRUE(response.has_value()) << (response ? "" : response.error().message);
    responses.push_back(response ? std::move(*response) : ChatResponse{});
  }
  return responses;
}

TEST(LocalModel, BatchThreadsAndForksChangeNoBit) {
  CUPEL_SKIP_UNLESS(test::model_file(kModel),
                    "SmolLM2 was not fetched: batch invariance not shown");
  const auto one = open_model(1, engine::Activations::kInt8);
  const auto two = open_model(2, engine::Activations::kInt8);
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  std::vector<ChatRequest> requests;
  std::string prompt = "The tide came in";
  for (int i = 0; i < 16; ++i) {  // different lengths, all with one beginning: forks happen too
    requests.push_back(raw_request(prompt, 12, i % 2 == 0 ? 0 : 0.9));
    prompt += i % 3 == 0 ? " and the boats rose with it" : " slowly";
  }
  const auto batched = complete_all(*two, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = complete(*one, requests[i]);
    ASSERT_TRUE(alone.has_value()) << alone.error().message;
    EXPECT_EQ(alone->ids, batched[i].ids) << i;
    EXPECT_EQ(alone->logprobs, batched[i].logprobs) << i;
  }
}

TEST(LocalModel, ScoresWhatItGeneratesBitForBit) {
  CUPEL_SKIP_UNLESS(test::model_file(kModel), "SmolLM2 was not fetched: score parity not shown");
  const auto model = open_model(2, engine::Activations::kInt8);
  ASSERT_NE(model, nullptr);
  const auto generated = complete(*model, raw_request("The capital of France is", 16));
  ASSERT_TRUE(generated.has_value()) << generated.error().message;
  CompletionScoreRequest request;
  request.raw_prompt = "The capital of France is";
  request.completions = {generated->text};
  const auto scores = model->score(request);
  ASSERT_TRUE(scores.has_value()) << scores.error().message;
  ASSERT_EQ(scores->front().ids, generated->ids);
  for (size_t i = 0; i < generated->ids.size(); ++i) {
    EXPECT_EQ(scores->front().logprobs[i], static_cast<double>(generated->logprobs[i])) << i;
  }
}

TEST(LocalModel, EndsBeforeStopString) {
  CUPEL_SKIP_UNLESS(test::model_file(kModel), "SmolLM2 was not fetched: stop strings not shown");
  const auto model = open_model(2, engine::Activations::kInt8);
  ASSERT_NE(model, nullptr);
  const auto whole = complete(*model, raw_request("The capital of France is", 8));
  ASSERT_TRUE(whole.has_value());
  const std::string stop = whole->text.substr(whole->text.size() / 2, 2);
  ChatRequest request = raw_request("The capital of France is", 8);
  request.sampling.stop = {stop};
  const auto cut = complete(*model, request);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->finish_reason, FinishReason::kStop);
  EXPECT_EQ(cut->text, whole->text.substr(0, whole->text.find(stop)));
}

TEST(LocalModel, FileWithoutTemplateSaysHowToNameOne) {
  const std::string path = test::model_file("gemma-3-270m.Q4_K_M.gguf");
  CUPEL_SKIP_UNLESS(path, "Gemma was not fetched: missing template not shown");
  LocalModelOptions options;
  options.path = path;
  options.name = "gemma";
  const auto model = LocalModel::open(options);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_FALSE((*model)->capabilities().chat);
  ChatRequest request;
  request.messages = {text_message("user", "Hi")};
  const auto response = complete(**model, request);
  ASSERT_FALSE(response.has_value());
  EXPECT_NE(response.error().message.find("template="), std::string::npos);
}

}  // namespace
}  // namespace cupel::decode
