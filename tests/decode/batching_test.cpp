// Many calls at once: batches, shared beginnings, a cache that is too small for all of them, and
// calls that are given up. None of it changes an answer.
#include <atomic>
#include <chrono>
#include <thread>

#include "decode/decode_support.h"

namespace cupel::decode::test {
namespace {

// Requests of different lengths, some greedy, some sampled, several with one beginning.
std::vector<ChatRequest> mixed_requests(size_t count, int64_t max_tokens) {
  std::vector<ChatRequest> requests;
  const std::string shared = capital_text(100, 90);
  for (size_t i = 0; i < count; ++i) {
    std::string prompt = i % 2 == 0 ? shared.substr(0, 20 + 5 * i) : "";
    prompt += capital_text(i, 1 + 7 * i);
    requests.push_back(raw_request(std::move(prompt), max_tokens + static_cast<int64_t>(i)));
    SamplingOptions& sampling = requests.back().sampling;
    sampling.temperature = i % 3 == 0 ? 0 : 0.7 + 0.1 * static_cast<double>(i % 5);
    sampling.seed = i;
    sampling.top_p = i % 4 == 1 ? 0.8 : 1;
    sampling.top_k = i % 4 == 2 ? 12 : 0;
    sampling.min_p = i % 4 == 3 ? 0.05 : 0;
    sampling.repetition_penalty = i % 5 == 4 ? 1.2 : 1;
  }
  return requests;
}

// Each request in a model of its own, which has seen nothing else.
std::vector<ChatResponse> answers_alone(const TinyModel& model,
                                        const std::vector<ChatRequest>& requests) {
  std::vector<ChatResponse> answers;
  for (const ChatRequest& request : requests) {
    answers.push_back(complete_one(*open_tiny(model), request));
  }
  return answers;
}

struct Setup {
  std::string family;
  engine::TensorType type;
  engine::Activations activations;
};

void PrintTo(const Setup& setup, std::ostream* out) {
  *out << setup.family;
}

class Batching : public testing::TestWithParam<Setup> {};

TEST_P(Batching, SixteenTogetherEqualEachAlone) {
  TinyModelOptions model_options;
  model_options.family = GetParam().family;
  model_options.type = GetParam().type;
  const TinyModel model(model_options);
  LocalModelOptions options;
  options.engine.activations = GetParam().activations;
  const auto requests = mixed_requests(16, 10);
  std::vector<ChatResponse> alone;
  for (const ChatRequest& request : requests) {
    alone.push_back(complete_one(*open_tiny(model, options), request));
  }
  for (const size_t threads : {1U, 2U}) {
    options.engine.threads = threads;
    for (const size_t max_batch : {16U, 3U}) {
      options.max_batch = max_batch;
      const auto together = complete_all(*open_tiny(model, options), requests);
      for (size_t i = 0; i < requests.size(); ++i) {
        expect_same(together[i], alone[i],
                    format("request {}, {} threads, batch {}", i, threads, max_batch));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    Batching,
    testing::Values(Setup{"llama", engine::TensorType::kF32, engine::Activations::kFloat32},
                    Setup{"llama", engine::TensorType::kQ4_1, engine::Activations::kInt8},
                    Setup{"gemma3", engine::TensorType::kF16, engine::Activations::kFloat32},
                    Setup{"gemma3", engine::TensorType::kQ8_0, engine::Activations::kInt8}),
    [](const auto& param) {
      return param.param.family + "_" + std::string(tensor_type_name(param.param.type));
    });

// A prompt longer than what one step reads, beside streams that go on meanwhile.
TEST(Batches, LongPromptIsReadInPiecesBesideOthers) {
  TinyModelOptions model_options;
  model_options.context_length = 2048;
  const TinyModel model(model_options);
  std::vector<ChatRequest> requests = {raw_request("short", 30),
                                       raw_request(capital_text(1, 1500), 5),
                                       raw_request(capital_text(2, 700), 5)};
  const auto alone = answers_alone(model, requests);
  const auto together = complete_all(*open_tiny(model), requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    expect_same(together[i], alone[i], format("request {}", i));
  }
}

TEST(Prefixes, RememberedOnesChangeNothing) {
  const TinyModel model(capital_options());
  const auto local = open_tiny(model);
  const std::string prompt = capital_text(1, 150);
  // Lengths around the borders of pages; <|begin|> is one more token.
  for (const size_t length : {150U, 20U, 62U, 63U, 64U, 65U, 126U, 127U, 128U, 149U}) {
    const ChatRequest request = raw_request(prompt.substr(0, length) + "M", 6, 0.8);
    const ChatResponse expected = complete_one(*open_tiny(model), request);
    EXPECT_EQ(expected.usage.cached_tokens, 0);
    const ChatResponse first = complete_one(*local, request);
    const ChatResponse again = complete_one(*local, request);
    expect_same(first, expected, format("first of {}", length));
    expect_same(again, expected, format("again, {}", length));
    // All but the last token, which is computed for its logits.
    EXPECT_EQ(again.usage.cached_tokens, static_cast<int64_t>(length) + 1);
    if (length != 150) {
      EXPECT_EQ(first.usage.cached_tokens, static_cast<int64_t>(length) + 1);
    }
  }
}

TEST(Prefixes, NextTurnGoesOnFromTheLast) {
  const TinyModel model(capital_options());
  const auto local = open_tiny(model);
  const ChatRequest turn1 = raw_request(capital_text(1, 100), 20);
  const ChatResponse answer1 = complete_one(*local, turn1);
  const ChatRequest turn2 = raw_request(*turn1.raw_prompt + answer1.text + capital_text(2, 10), 8);
  const ChatResponse answer2 = complete_one(*local, turn2);
  EXPECT_GE(answer2.usage.cached_tokens, 100 + 19);
  expect_same(answer2, complete_one(*open_tiny(model), turn2), "second turn");
}

TEST(Prefixes, CallsThatBeginAlikeShareTheBeginning) {
  const TinyModel model(capital_options());
  const std::string shared = capital_text(1, 200);
  std::vector<ChatRequest> requests;
  for (size_t i = 0; i < 8; ++i) {
    requests.push_back(raw_request(shared + capital_text(50 + i, 3 + i), 6));
  }
  const auto alone = answers_alone(model, requests);
  const auto together = complete_all(*open_tiny(model), requests);
  size_t sharing = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    expect_same(together[i], alone[i], format("request {}", i));
    sharing += together[i].usage.cached_tokens >= 200 ? 1 : 0;
  }
  EXPECT_EQ(sharing, 7U);  // all but the first of them
}

// The cache holds two or three of these at a time.
TEST(SmallCache, MoreCallsThanPagesFinishAll) {
  const TinyModel model(capital_options());
  const auto requests = mixed_requests(24, 30);  // up to 5 pages each
  const auto alone = answers_alone(model, requests);
  for (const size_t pages : {7U, 12U}) {
    const auto together = complete_all(*open_tiny(model, with_cache_pages(model, pages)), requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      expect_same(together[i], alone[i], format("request {}, {} pages", i, pages));
    }
  }
}

TEST(SmallCache, CallThatCanNeverFitIsRefusedAtOnce) {
  const TinyModel model(capital_options());
  const auto local = open_tiny(model, with_cache_pages(model, 3));
  const auto refused = complete(*local, raw_request(capital_text(1, 150), 100));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_NE(refused.error().message.find("has 3"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(complete(*local, raw_request(capital_text(1, 60), 20)).has_value());
}

// Scores that come while the cache is promised to answers wait for them instead of failing.
TEST(SmallCache, ScoringBesideAnswersFindsRoom) {
  const TinyModel model(capital_options());
  const auto requests = mixed_requests(12, 30);
  const auto alone = answers_alone(model, requests);
  CompletionScoreRequest scored;
  scored.raw_prompt = capital_text(1, 100);
  scored.completions = {capital_text(2, 70), capital_text(3, 5), capital_text(4, 64)};
  const auto expected = open_tiny(model)->score(scored);
  ASSERT_TRUE(expected.has_value()) << expected.error().message;

  const auto local = open_tiny(model, with_cache_pages(model, 12));
  Calls calls(*local);
  calls.submit_all(requests);
  for (int round = 0; round < 3; ++round) {
    const auto scores = local->score(scored);
    ASSERT_TRUE(scores.has_value()) << scores.error().message;
    for (size_t k = 0; k < scored.completions.size(); ++k) {
      EXPECT_EQ((*scores)[k].logprobs, (*expected)[k].logprobs) << k;
    }
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    expect_same(calls.wait(i).response(), alone[i], format("request {}", i));
  }
}

TEST(SmallCache, ScoreThatCanNeverFitIsRefused) {
  const TinyModel model;
  const auto local = open_tiny(model, with_cache_pages(model, 4));
  const auto scores = local->score(
      {.messages = {}, .raw_prompt = capital_text(1, 100), .completions = {capital_text(2, 200)}});
  ASSERT_FALSE(scores.has_value());
  EXPECT_EQ(scores.error().code, Code::kExhausted);
  EXPECT_NE(scores.error().message.find(model.path()), std::string::npos) << scores.error().message;
}

TEST(Cancel, EndsOneCallAndNoOther) {
  const TinyModel model(capital_options());
  const auto requests = mixed_requests(6, 60);
  const auto alone = answers_alone(model, requests);
  const auto local = open_tiny(model);
  Calls calls(*local);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto cancel_third = [](const Recorded& so_far, const std::function<void()>& cancel) {
      if (so_far.deltas.size() == 5) {
        cancel();
      }
    };
    calls.submit(requests[i], i == 3 ? Calls::OnDelta(cancel_third) : Calls::OnDelta());
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    const Recorded& record = calls.wait(i);
    ASSERT_EQ(record.done.size(), 1U) << i;
    if (i != 3) {
      expect_same(record.response(), alone[i], format("request {}", i));
      continue;
    }
    ASSERT_FALSE(record.done.front().has_value());
    EXPECT_EQ(record.done.front().error().code, Code::kCancelled);
    EXPECT_EQ(record.deltas.size(), 5U);
    EXPECT_TRUE(alone[3].text.starts_with(record.streamed()));
  }
  // Its pages and its place are free again.
  expect_same(complete_one(*local, requests[3]), alone[3], "afterwards");
}

TEST(Cancel, WaitingCallEndsWithoutWaiting) {
  const TinyModel model(capital_options());
  LocalModelOptions options;
  options.max_batch = 1;
  const auto local = open_tiny(model, options);
  Calls calls(*local);
  std::atomic<bool> first_done = false;
  std::atomic<bool> cancelled_before_first_was_done = false;
  // The first answer dawdles while the second, which waits for its place, is not gone.
  constexpr auto kDawdle = std::chrono::milliseconds(5);
  std::promise<void> second_gone;
  const auto gone = second_gone.get_future().share();
  std::shared_ptr<ChatCall> second;
  std::promise<void> running;
  std::atomic<int> pieces = 0;
  ChatSink sink;
  sink.on_delta = [&](std::string_view) {
    if (++pieces == 1) {
      running.set_value();
    }
    gone.wait_for(kDawdle);
  };
  std::promise<void> first_finished;
  sink.on_done = [&](const Result<ChatResponse>& response) {
    EXPECT_TRUE(response.has_value());
    first_done = true;
    first_finished.set_value();
  };
  local->submit(raw_request("ABC", 400), std::move(sink));
  running.get_future().wait();
  second = local->submit(raw_request("DEF", 5),
                         {.on_delta = {}, .on_done = [&](const Result<ChatResponse>& response) {
                            ASSERT_FALSE(response.has_value());
                            EXPECT_EQ(response.error().code, Code::kCancelled);
                            cancelled_before_first_was_done = !first_done;
                            second_gone.set_value();
                          }});
  second->cancel();
  gone.wait();
  EXPECT_TRUE(cancelled_before_first_was_done);
  first_finished.get_future().wait();
  second->cancel();  // too late: nothing happens
  EXPECT_TRUE(complete(*local, raw_request("GHI", 2)).has_value());
}

// A model that goes away answers every call, once, also those that its thread had not seen yet.
TEST(Closing, AnswersEveryCallOnce) {
  const TinyModel model(capital_options());
  size_t cancelled_calls = 0;
  for (int round = 0; round < 30; ++round) {
    auto local = open_tiny(model);
    Calls calls(*local);
    for (size_t i = 0; i < 40; ++i) {
      calls.submit(raw_request(capital_text(i, 1 + i), 50));
    }
    local.reset();
    for (size_t i = 0; i < calls.size(); ++i) {
      const Recorded& record = calls.record(i);
      ASSERT_EQ(record.done.size(), 1U) << "call " << i << " of round " << round;
      if (!record.done.front().has_value()) {
        EXPECT_EQ(record.done.front().error().code, Code::kCancelled);
        ++cancelled_calls;
      }
    }
  }
  EXPECT_GT(cancelled_calls, 0U);
}

TEST(Closing, CallMadeFromACallbackIsAnsweredToo) {
  const TinyModel model(capital_options());
  for (int round = 0; round < 20; ++round) {
    auto local = open_tiny(model);
    LocalModel* raw = local.get();
    std::atomic<int> answered = 0;
    for (int i = 0; i < 10; ++i) {
      raw->submit(raw_request("ABC", 40),
                  {.on_delta = {}, .on_done = [&](const auto&) {
                     ++answered;
                     raw->submit(raw_request("DEF", 40),
                                 {.on_delta = {}, .on_done = [&](const auto&) { ++answered; }});
                   }});
    }
    local.reset();
    EXPECT_EQ(answered, 20);
  }
}

TEST(Threads, ManyCallersGetTheirOwnAnswers) {
  const TinyModel model(capital_options());
  const auto requests = mixed_requests(12, 8);
  const auto alone = answers_alone(model, requests);
  LocalModelOptions options;
  options.engine.threads = 2;
  const auto local = open_tiny(model, options);
  CompletionScoreRequest scored;
  scored.raw_prompt = "ABC";
  scored.completions = {"DEF", "GH"};
  const auto expected = local->score(scored);
  ASSERT_TRUE(expected.has_value());
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (size_t i = caller; i < requests.size(); i += 2) {
        const auto response = complete(*local, requests[i]);
        ASSERT_TRUE(response.has_value()) << response.error().message;
        expect_same(*response, alone[i], format("caller {}, request {}", caller, i));
        const auto scores = local->score(scored);
        ASSERT_TRUE(scores.has_value()) << scores.error().message;
        EXPECT_EQ((*scores)[0].logprobs, (*expected)[0].logprobs);
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
}

}  // namespace
}  // namespace cupel::decode::test
