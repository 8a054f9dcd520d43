#include "core/remote_model.h"

#include <cstdlib>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/error.h"
#include "support/loopback_server.h"

namespace cupel {
namespace {

using test::LoopbackServer;
using test::ScriptedReply;
using test::SeenRequest;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAnswer =
    R"({"choices":[{"message":{"content":"Paris"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":5,"completion_tokens":1}})";

std::string delta(const std::string& text) {
  return R"({"choices":[{"delta":{"content":")" + text + R"("}}]})";
}
const std::string kFinish = R"({"choices":[{"delta":{},"finish_reason":"stop"}]})";

RemoteOptions options_for(const std::string& url) {
  RemoteOptions options;
  options.name = "remote";
  options.url = url + "/v1";
  options.model = "m";
  options.timeout_s = 5;
  options.backoff_s = 0.002;
  options.max_attempts = 3;
  return options;
}

std::unique_ptr<RemoteModel> open_model(const RemoteOptions& options) {
  auto model = RemoteModel::open(options);
  EXPECT_TRUE(model) << model.error().message;
  return std::move(model).value();
}

ChatRequest ask(std::string_view text = "Capital of France?") {
  ChatRequest request;
  request.messages = {text_message("user", text)};
  return request;
}

struct Streamed {
  std::string shown;
  Result<ChatResponse> response = internal_error("not called");
};
Streamed stream(ChatModel& model, ChatRequest request) {
  Streamed out;
  std::promise<void> done;
  const auto call = model.submit(std::move(request),
                                 {.on_delta = [&](std::string_view text) { out.shown += text; },
                                  .on_done =
                                      [&](Result<ChatResponse> response) {
                                        out.response = std::move(response);
                                        done.set_value();
                                      }});
  done.get_future().wait();
  return out;
}

// Sets a variable for the length of a test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~ScopedVariable() { ::unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

TEST(RemoteModel, AnswersWithoutStream) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply(kAnswer); });
  const auto model = open_model(options_for(server.url()));
  const auto response = complete(*model, ask());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->text, "Paris");
  EXPECT_EQ(response->usage.prompt_tokens, 5);
  EXPECT_GT(response->timings.decode_s, 0);
  const SeenRequest seen = server.requests().front();
  EXPECT_EQ(seen.path, "/v1/chat/completions");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_THAT(seen.body, HasSubstr("Capital of France?"));
  EXPECT_THAT(seen.body, Not(HasSubstr("stream")));
}

TEST(RemoteModel, StreamsDeltas) {
  LoopbackServer server([](const SeenRequest&, size_t) {
    ScriptedReply reply = test::event_stream({delta("Pa"), delta("ris"), kFinish});
    reply.pieces[1].delay_s = 0.01;
    return reply;
  });
  const auto model = open_model(options_for(server.url()));
  const Streamed out = stream(*model, ask());
  ASSERT_TRUE(out.response) << out.response.error().message;
  EXPECT_EQ(out.shown, "Paris");
  EXPECT_EQ(out.response->text, "Paris");
  EXPECT_EQ(out.response->finish_reason, FinishReason::kStop);
  EXPECT_EQ(out.response->usage.completion_tokens, 2);  // estimated: the stream reports none
  EXPECT_THAT(server.requests().front().body, HasSubstr(R"("stream":true)"));
}

TEST(RemoteModel, TakesAnEndpointThatDoesNotStream) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply(kAnswer); });
  const auto model = open_model(options_for(server.url()));
  const Streamed out = stream(*model, ask());
  ASSERT_TRUE(out.response) << out.response.error().message;
  EXPECT_EQ(out.shown, "Paris");
}

TEST(RemoteModel, TriesAgainAfterEveryPassingStatus) {
  for (const int status : {408, 409, 429, 500, 502, 503}) {
    LoopbackServer server([status](const SeenRequest&, size_t index) {
      return index == 0 ? test::json_reply("busy", status) : test::json_reply(kAnswer);
    });
    const auto model = open_model(options_for(server.url()));
    const auto response = complete(*model, ask());
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(server.request_count(), 2U) << status;
  }
}

TEST(RemoteModel, GivesUpAfterItsAttempts) {
  LoopbackServer server([](const SeenRequest&, size_t) {
    return test::json_reply(R"({"error":{"message":"try later"}})", 503);
  });
  const auto model = open_model(options_for(server.url()));
  const auto response = complete(*model, ask());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_EQ(server.request_count(), 3U);
  EXPECT_EQ(response.error().message,
            server.url("/v1/chat/completions: HTTP 503: try later (tried 3 times)"));
}

TEST(RemoteModel, WaitsAsRetryAfterAsks) {
  for (const bool bounded : {false, true}) {
    LoopbackServer server([bounded](const SeenRequest&, size_t index) {
      ScriptedReply reply = test::json_reply(kAnswer, index == 0 ? 429 : 200);
      reply.headers.emplace_back("Retry-After", bounded ? "86400" : "0");
      return reply;
    });
    RemoteOptions options = options_for(server.url());
    options.backoff_s = bounded ? 0.001 : 1;  // would be noticed
    options.max_retry_after_s = 0.05;
    const auto model = open_model(options);
    const Stopwatch watch;
    ASSERT_TRUE(complete(*model, ask()));
    if (bounded) {
      EXPECT_GE(watch.seconds(), 0.05);
    }
    EXPECT_LT(watch.seconds(), 1.5);
  }
}

TEST(RemoteModel, ExplainsARefusedKey) {
  ::unsetenv("OPENAI_API_KEY");
  LoopbackServer server([](const SeenRequest& request, size_t) {
    return test::json_reply(
        R"({"error":{"message":"wrong key )" + request.header("authorization") + "\"}}", 401);
  });
  const auto without = complete(*open_model(options_for(server.url())), ask());
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(without.error().message, HasSubstr("set OPENAI_API_KEY"));

  const ScopedVariable variable("CUPEL_TEST_KEY", " sk-very-secret\n");
  RemoteOptions options = options_for(server.url());
  options.key_env = "CUPEL_TEST_KEY";
  const auto with = complete(*open_model(options), ask());
  ASSERT_FALSE(with);
  EXPECT_THAT(with.error().message, HasSubstr("check the API key in CUPEL_TEST_KEY"));
  EXPECT_THAT(with.error().message, Not(HasSubstr("sk-very-secret")));
  EXPECT_EQ(server.requests().back().header("authorization"), "Bearer sk-very-secret");
  EXPECT_EQ(server.request_count(), 2U);  // not tried again
}

TEST(RemoteModel, UsesTheUsualKeyVariable) {
  const ScopedVariable variable("OPENAI_API_KEY", "sk-usual-key");
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply(kAnswer); });
  ASSERT_TRUE(complete(*open_model(options_for(server.url())), ask()));
  EXPECT_EQ(server.requests().front().header("authorization"), "Bearer sk-usual-key");
}

TEST(RemoteModel, ExplainsWhatIsNotThere) {
  LoopbackServer server(
      [](const SeenRequest&, size_t) { return test::json_reply("<html>nothing</html>", 404); });
  const auto response = complete(*open_model(options_for(server.url())), ask());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kNotFound);
  EXPECT_THAT(response.error().message, HasSubstr("check the model id \"m\""));
}

TEST(RemoteModel, DoesNotFollowARedirect) {
  LoopbackServer server([](const SeenRequest&, size_t) {
    ScriptedReply reply = test::json_reply("", 301);
    reply.headers.emplace_back("Location", "https://elsewhere.example/v1");
    return reply;
  });
  const auto response = complete(*open_model(options_for(server.url())), ask());
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("https://elsewhere.example/v1"));
}

TEST(RemoteModel, NamesAPageThatIsNoJson) {
  for (const bool streaming : {false, true}) {
    LoopbackServer server([](const SeenRequest&, size_t) {
      ScriptedReply reply;
      reply.headers = {{"Content-Type", "text/html"}};
      reply.body = "<!DOCTYPE html>\n<title>Welcome</title>";
      return reply;
    });
    const auto model = open_model(options_for(server.url()));
    const auto response = streaming ? stream(*model, ask()).response : complete(*model, ask());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::kCorruptData);
    EXPECT_THAT(response.error().message, HasSubstr("text/html"));
    EXPECT_THAT(response.error().message, HasSubstr("<!DOCTYPE html>?<title>"));
    EXPECT_EQ(server.request_count(), 1U);
  }
}

TEST(RemoteModel, SaysWhereNothingListens) {
  const auto response = complete(*open_model(options_for(test::refused_url())), ask());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_THAT(response.error().message, HasSubstr("/v1/chat/completions: no connection"));
  EXPECT_THAT(response.error().message, HasSubstr("tried 3 times"));
}

TEST(RemoteModel, LimitsTheTimeOfAHangingEndpoint) {
  for (const bool streaming : {false, true}) {
    LoopbackServer server([](const SeenRequest&, size_t) {
      ScriptedReply reply;
      reply.hang_before_headers = true;
      return reply;
    });
    RemoteOptions options = options_for(server.url());
    options.timeout_s = 0.03;
    options.max_attempts = 2;
    const auto model = open_model(options);
    const auto response = streaming ? stream(*model, ask()).response : complete(*model, ask());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::kDeadline);
  }
}

// Every way in which a stream can end before its time.
std::vector<ScriptedReply> broken_streams() {
  std::vector<ScriptedReply> replies;
  replies.push_back(test::event_stream({delta("Pa")}, false));  // ends in good form
  replies.push_back(replies[0]);
  replies.back().end = ScriptedReply::End::kCut;
  replies.push_back(test::event_stream({delta("Pa")}, false));
  replies.back().pieces.push_back({.bytes = "data: {\"choices\":[{\"del"});
  replies.push_back(test::event_stream({delta("Pa"), R"({"error":{"message":"gone"}})"}));
  replies.push_back(replies[0]);
  replies.back().end = ScriptedReply::End::kHang;
  return replies;
}

TEST(RemoteModel, NeverTakesABrokenStreamForAnAnswer) {
  for (const ScriptedReply& broken : broken_streams()) {
    LoopbackServer server([&](const SeenRequest&, size_t) { return broken; });
    RemoteOptions options = options_for(server.url());
    options.max_attempts = 2;
    options.idle_timeout_s = 0.03;
    const auto out = stream(*open_model(options), ask());
    ASSERT_FALSE(out.response);
    EXPECT_TRUE(out.response.error().code == Code::kUnavailable ||
                out.response.error().code == Code::kDeadline)
        << out.response.error().message;
    EXPECT_EQ(server.request_count(), 2U);
    EXPECT_EQ(out.shown, "Pa");  // shown once, though sent twice
  }
}

TEST(RemoteModel, GoesOnAfterABrokenStream) {
  for (const ScriptedReply& broken : broken_streams()) {
    LoopbackServer server([&](const SeenRequest&, size_t index) {
      return index == 0 ? broken : test::event_stream({delta("P"), delta("aris"), kFinish});
    });
    RemoteOptions options = options_for(server.url());
    options.idle_timeout_s = 0.03;
    const auto out = stream(*open_model(options), ask());
    ASSERT_TRUE(out.response) << out.response.error().message;
    EXPECT_EQ(out.response->text, "Paris");
    EXPECT_EQ(out.shown, "Paris");
  }
}

TEST(RemoteModel, ShowsNoMixtureOfTwoAnswers) {
  LoopbackServer server([](const SeenRequest&, size_t index) {
    return index == 0 ? test::event_stream({delta("Pa")}, false)
                      : test::event_stream({delta("It is Paris"), kFinish});
  });
  const auto out = stream(*open_model(options_for(server.url())), ask());
  ASSERT_FALSE(out.response);
  EXPECT_EQ(out.response.error().code, Code::kUnavailable);
  EXPECT_EQ(out.shown, "Pa");
  EXPECT_EQ(server.request_count(), 2U);
}

TEST(RemoteModel, EndsACancelledCall) {
  LoopbackServer server([](const SeenRequest&, size_t) {
    ScriptedReply reply;
    reply.hang_before_headers = true;
    return reply;
  });
  const auto model = open_model(options_for(server.url()));
  std::promise<Result<ChatResponse>> done;
  const auto call = model->submit(ask(), {.on_delta = {}, .on_done = [&](auto response) {
                                            done.set_value(std::move(response));
                                          }});
  call->cancel();
  const auto response = done.get_future().get();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kCancelled);
}

TEST(RemoteModel, EndsItsCallsWhenDestroyed) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply("later", 503); });
  RemoteOptions options = options_for(server.url());
  options.backoff_s = 100;
  int ended = 0;
  {
    const auto model = open_model(options);
    for (int i = 0; i < 3; ++i) {
      model->submit(ask(), {.on_delta = {},
                            .on_done = [&](const auto& response) { ended += response ? 0 : 1; }});
    }
  }
  EXPECT_EQ(ended, 3);
}

TEST(RemoteModel, KeepsToItsConcurrency) {
  LoopbackServer server([](const SeenRequest&, size_t) {
    ScriptedReply reply = test::json_reply(kAnswer);
    reply.delay_s = 0.01;
    return reply;
  });
  RemoteOptions options = options_for(server.url());
  options.concurrency = 2;
  const auto model = open_model(options);
  std::vector<std::promise<bool>> done(6);
  for (auto& promise : done) {
    model->submit(ask(), {.on_delta = {}, .on_done = [&](const auto& response) {
                            promise.set_value(response.has_value());
                          }});
  }
  for (auto& promise : done) {
    EXPECT_TRUE(promise.get_future().get());
  }
  EXPECT_EQ(server.peak_concurrency(), 2U);
  EXPECT_EQ(model->capabilities().parallel_calls, 2);
}

TEST(RemoteModel, ScoresLabels) {
  LoopbackServer server([](const SeenRequest& request, size_t) {
    const bool first = request.body.find("first") != std::string::npos;
    return test::json_reply(
        std::string(R"({"choices":[{"message":{"content":"Yes"},"finish_reason":"length",
          "logprobs":{"content":[{"token":"Yes","logprob":-1,"top_logprobs":[{"token":"Yes",
          "logprob":)") +
        (first ? "-0.5" : "-3") + R"(}]}]}}],"usage":{"prompt_tokens":10,"completion_tokens":1}})");
  });
  const auto model = open_model(options_for(server.url()));
  LabelScoreRequest request;
  request.labels = {"Yes", "No"};
  request.prompts = {{text_message("user", "first")}, {text_message("user", "second")}};
  const auto response = model->score_labels(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->scores[0].logprobs[0], -0.5);
  EXPECT_EQ(response->scores[1].logprobs[0], -3.0);
  EXPECT_EQ(response->scores[0].logprobs[1], std::nullopt);
  EXPECT_EQ(response->prompt_tokens, 20);
  EXPECT_THAT(server.requests().front().body, HasSubstr(R"("top_logprobs":20)"));
  EXPECT_THAT(server.requests().front().body, HasSubstr(R"("max_tokens":1)"));
}

TEST(RemoteModel, SaysWhenLabelsCannotBeScored) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply(kAnswer); });
  const auto model = open_model(options_for(server.url()));
  LabelScoreRequest request;
  request.labels = {"Yes", "No"};
  request.prompts.assign(5, {text_message("user", "is it?")});
  const auto response = model->score_labels(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnsupported);
  EXPECT_THAT(response.error().message, HasSubstr("gives no log-probabilities"));
  request.labels = {"yes", " Yes"};
  EXPECT_EQ(model->score_labels(request).error().code, Code::kUnsupported);
  EXPECT_EQ(model->score({}).error().code, Code::kUnsupported);
}

TEST(RemoteModel, SaysWhenLogprobsAreMissing) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply(kAnswer); });
  ChatRequest request = ask();
  request.logprobs = true;
  const auto response = complete(*open_model(options_for(server.url())), request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnsupported);
}

TEST(RemoteModel, SendsNothingForARequestThatMakesNoSense) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply(kAnswer); });
  ChatRequest raw;
  raw.raw_prompt = "Once";
  const auto model = open_model(options_for(server.url()));
  EXPECT_EQ(complete(*model, raw).error().code, Code::kUnsupported);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST(RemoteModel, OpensASpecWithItsOptions) {
  const auto spec =
      parse_model_spec("j=openai:org/m@http://localhost:1/v1/?api=2,concurrency=3,timeout=2.5");
  ASSERT_TRUE(spec) << spec.error().message;
  const auto model = RemoteModel::open(*spec);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->name(), "j");
  EXPECT_EQ((*model)->capabilities().parallel_calls, 3);
  EXPECT_FALSE((*model)->capabilities().raw);
}

TEST(RemoteModel, RefusesSpecsThatMakeNoSense) {
  for (const char* text :
       {"j=openai:m@http://h/v1,concurrency=0", "j=openai:m@http://h/v1,concurrency=many",
        "j=openai:m@http://h/v1,timeout=-1", "j=openai:m@http://h/v1,timeout=nan",
        "j=openai:m@http://user:secret@h/v1"}) {
    const auto spec = parse_model_spec(text);
    ASSERT_TRUE(spec) << text;
    const auto model = RemoteModel::open(*spec);
    ASSERT_FALSE(model) << text;
    EXPECT_EQ(model.error().code, Code::kInvalidArgument);
    EXPECT_THAT(model.error().message, Not(HasSubstr("secret")));
  }
  const auto spec = parse_model_spec("j=openai:m@http://h/v1,key-env=CUPEL_TEST_UNSET");
  ASSERT_TRUE(spec);
  const auto model = RemoteModel::open(*spec);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Code::kNotFound);
  EXPECT_THAT(model.error().message, HasSubstr("CUPEL_TEST_UNSET"));
}

TEST(RemoteModel, FingerprintsEndpointAndModel) {
  const RemoteOptions options = options_for("http://a");
  RemoteOptions other = options;
  other.model = "n";
  RemoteOptions renamed = options;
  renamed.name = "other";
  const std::string print = open_model(options)->fingerprint();
  EXPECT_EQ(print, open_model(renamed)->fingerprint());
  EXPECT_NE(print, open_model(other)->fingerprint());
  EXPECT_NE(print, open_model(options_for("http://b"))->fingerprint());
}

TEST(RemoteModel, EstimatesPromptTokensFromBytes) {
  EXPECT_EQ(*open_model(options_for("http://a"))->count_prompt_tokens(ask("12345678")), 2);
}

}  // namespace
}  // namespace cupel
