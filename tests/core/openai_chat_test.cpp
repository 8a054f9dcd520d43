#include "core/openai_chat.h"

#include <gtest/gtest.h>

namespace cupel {
namespace {

ChatRequest ask(std::string_view text) {
  ChatRequest request;
  request.messages = {text_message("user", text)};
  return request;
}

Json parsed(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json();
}

std::string body_of(const ChatRequest& request, bool stream = false, const Json& extra = {}) {
  const auto body = openai_request_body(request, "m", extra, stream);
  return body ? dump_json(*body) : body.error().message;
}

TEST(OpenAiRequest, IsPlainForPlainRequests) {
  EXPECT_EQ(body_of(ask("hi")),
            R"({"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.0,)"
            R"("max_tokens":512})");
}

TEST(OpenAiRequest, CarriesEverySamplingFieldThatIsSet) {
  ChatRequest request = ask("hi");
  request.sampling = {.temperature = 0.5,
                      .top_k = 3,
                      .top_p = 0.9,
                      .min_p = 0.1,
                      .repetition_penalty = 1.5,
                      .seed = 7,
                      .max_tokens = 9,
                      .stop = {"\n\n"}};
  request.logprobs = true;
  request.tools = Json::array();
  request.template_variables =
      Json::object().set("question_id", 81).set("turn", 1).set("enable_thinking", false);
  const Json body = parsed(body_of(request, true));
  EXPECT_EQ(dump_json(body),
            R"({"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.5,)"
            R"("max_tokens":9,"seed":7,"top_p":0.9,"top_k":3,"min_p":0.1,"repetition_penalty":1.5,)"
            R"("stop":["\n\n"],"logprobs":true,"tools":[],)"
            R"("chat_template_kwargs":{"enable_thinking":false},)"
            R"("stream":true,"stream_options":{"include_usage":true}})");
}

// The form is that of the published reference, "Structured Outputs".
TEST(OpenAiRequest, CarriesASchemaAsResponseFormat) {
  ChatRequest request = ask("hi");
  request.sampling.constraint = {OutputConstraint::Kind::kJsonSchema, R"({"type":"integer"})"};
  EXPECT_EQ(dump_json(*parsed(body_of(request)).find("response_format")),
            R"({"type":"json_schema","json_schema":{"name":"answer","strict":true,)"
            R"("schema":{"type":"integer"}}})");
  request.sampling.constraint.text = "{";
  EXPECT_EQ(openai_request_body(request, "m", {}, false).error().code, Code::kCorruptData);
}

TEST(OpenAiRequest, RefusesPatterns) {
  ChatRequest request = ask("hi");
  request.sampling.constraint = {OutputConstraint::Kind::kRegex, "a+"};
  EXPECT_EQ(openai_request_body(request, "m", {}, false).error().code, Code::kUnsupported);
}

TEST(OpenAiRequest, GivesEverySampleASeedOfItsOwn) {
  ChatRequest request = ask("hi");
  request.sampling.temperature = 1;
  std::vector<int64_t> seeds;
  for (int i = 0; i < 3; ++i) {
    request.sample_index = i;
    seeds.push_back(parsed(body_of(request)).find("seed")->as_int());
  }
  EXPECT_NE(seeds[0], seeds[1]);
  EXPECT_NE(seeds[1], seeds[2]);
  EXPECT_GE(seeds[1], 0);
}

TEST(OpenAiRequest, LetsExtraFieldsReplaceAndRemove) {
  ChatRequest request = ask("hi");
  request.extra_body = Json::object().set("temperature", 1);
  const Json extra = Json::object().set("max_tokens", nullptr).set("max_completion_tokens", 64);
  const Json body = parsed(body_of(request, false, extra));
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_EQ(body.find("max_completion_tokens")->as_int(), 64);
  EXPECT_EQ(body.find("temperature")->as_int(), 1);
}

TEST(OpenAiRequest, RefusesRawPromptsAndOtherParts) {
  ChatRequest raw;
  raw.raw_prompt = "once";
  EXPECT_EQ(openai_request_body(raw, "m", {}, false).error().code, Code::kUnsupported);
  ChatRequest table = ask("hi");
  table.messages[0].parts.emplace_back(TablePart{});
  EXPECT_EQ(openai_request_body(table, "m", {}, false).error().code, Code::kUnsupported);
  ChatRequest bad = ask("hi");
  bad.sampling.top_p = 2;
  EXPECT_EQ(openai_request_body(bad, "m", {}, false).error().code, Code::kInvalidArgument);
}

TEST(OpenAiCompletion, ReadsTextReasonUsageAndLogprobs) {
  const auto response = parse_openai_completion(parsed(R"({"choices": [{"message":
    {"role": "assistant", "content": "Hi you"}, "finish_reason": "length", "logprobs": {"content":
    [{"token": "Hi", "logprob": -0.25}, {"token": " you", "logprob": -1.5}]}}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 2,
              "prompt_tokens_details": {"cached_tokens": 8}}})"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->text, "Hi you");
  EXPECT_EQ(response->finish_reason, FinishReason::kLength);
  EXPECT_EQ(response->logprobs, (std::vector<float>{-0.25F, -1.5F}));
  EXPECT_EQ(response->usage.prompt_tokens, 11);
  EXPECT_EQ(response->usage.completion_tokens, 2);
  EXPECT_EQ(response->usage.cached_tokens, 8);
}

TEST(OpenAiCompletion, TakesContentAsNullOrParts) {
  EXPECT_EQ(
      parse_openai_completion(
          parsed(R"({"choices":[{"message":{"content":null},"finish_reason":"tool_calls"}]})"))
          ->text,
      "");
  EXPECT_EQ(parse_openai_completion(
                parsed(R"({"choices":[{"message":{"content":[{"type":"text","text":"a"},
                          {"type":"text","text":"b"}]}}]})"))
                ->text,
            "ab");
}

TEST(OpenAiCompletion, RefusesEveryOtherShape) {
  for (const char* text :
       {"[]", "3", "{}", R"({"choices":{}})", R"({"choices":[]})", R"({"choices":[1]})",
        R"({"choices":[{"message":"x"}]})", R"({"choices":[{"message":{"content":5}}]})",
        R"({"choices":[{"message":{"content":"x"},"finish_reason":7}]})",
        R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":-1}})",
        R"({"choices":[{"message":{"content":"x"}}],"usage":{"completion_tokens":"many"}})",
        R"({"choices":[{"message":{"content":"x"},"logprobs":{"content":[{"token":"a"}]}}]})"}) {
    const auto response = parse_openai_completion(parsed(text));
    ASSERT_FALSE(response) << text;
    EXPECT_EQ(response.error().code, Code::kCorruptData) << response.error().message;
  }
}

TEST(OpenAiCompletion, TreatsErrorsAndAbortedAnswersAsUnavailable) {
  for (const char* text :
       {R"({"error":{"message":"overloaded"}})", R"({"error":"overloaded"})",
        R"({"choices":[{"message":{"content":"x"},"finish_reason":"abort"}]})"}) {
    const auto response = parse_openai_completion(parsed(text));
    ASSERT_FALSE(response) << text;
    EXPECT_EQ(response.error().code, Code::kUnavailable);
  }
}

TEST(OpenAiStream, PutsTheAnswerTogether) {
  OpenAiStream stream;
  EXPECT_EQ(*stream.push(R"({"choices":[{"delta":{"role":"assistant"}}]})"), "");
  EXPECT_EQ(*stream.push(R"({"choices":[{"delta":{"content":"Hel"}}]})"), "Hel");
  EXPECT_EQ(*stream.push(R"({"choices":[{"delta":{"content":"lo"},"finish_reason":null}]})"), "lo");
  EXPECT_FALSE(stream.complete());
  EXPECT_EQ(*stream.push(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"), "");
  EXPECT_TRUE(stream.complete());
  EXPECT_EQ(*stream.push(R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})"),
            "");
  EXPECT_EQ(*stream.push(" [DONE]"), "");
  EXPECT_TRUE(stream.done());
  EXPECT_EQ(*stream.push("rubbish after the end"), "");
  EXPECT_EQ(stream.response().text, "Hello");
  EXPECT_EQ(stream.response().usage.completion_tokens, 2);
}

TEST(OpenAiStream, ReportsErrorsInsideTheStream) {
  OpenAiStream stream;
  EXPECT_EQ(stream.push(R"({"error":{"message":"out of memory"}})").error().code,
            Code::kUnavailable);
  EXPECT_EQ(stream.push("{\"choi").error().code, Code::kCorruptData);
}

TEST(OpenAiLabels, FoldsVariantsAndTakesTheLargest) {
  const std::vector<std::string> labels = {"Yes", "No", "Unsure"};
  const auto scores = parse_openai_labels(
      parsed(R"({"choices":[{"message":{"content":"Yes"},"logprobs":{"content":[{"token":"Yes",
        "logprob":-0.5,"top_logprobs":[{"token":"Yes","logprob":-0.5},{"token":" yes","logprob":-0.4},
        {"token":"NO","logprob":-2},{"token":"Yesterday","logprob":-0.1},
        {"token":"unsure","logprob":-9999.0}]}]}}]})"),
      labels);
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_EQ(scores->logprobs, (std::vector<std::optional<double>>{-0.4, -2.0, std::nullopt}));
}

TEST(OpenAiLabels, SaysWhenTheEndpointGivesNone) {
  const std::vector<std::string> labels = {"Yes"};
  for (const char* text :
       {R"({"choices":[{"message":{"content":"Yes"}}]})",
        R"({"choices":[{"message":{"content":"Yes"},"logprobs":null}]})",
        R"({"choices":[{"logprobs":{"content":[]}}]})",
        R"({"choices":[{"logprobs":{"content":[{"token":"a","logprob":0}]}}]})"}) {
    const auto scores = parse_openai_labels(parsed(text), labels);
    ASSERT_FALSE(scores);
    EXPECT_EQ(scores.error().code, Code::kUnsupported);
    EXPECT_NE(scores.error().message.find("top_logprobs"), std::string::npos);
  }
}

TEST(FoldLabel, DropsOneBlankOfAnyKind) {
  EXPECT_EQ(fold_label(" Yes"), "yes");
  EXPECT_EQ(fold_label("\xC4\xA0YES"), "yes");
  EXPECT_EQ(fold_label("\xE2\x96\x81yes"), "yes");
  EXPECT_EQ(fold_label("  yes"), " yes");
}

TEST(OpenAiErrorText, FindsTheMessageOrShowsAnExcerpt) {
  EXPECT_EQ(openai_error_text(R"({"error":{"message":"bad\nkey"}})"), "bad?key");
  EXPECT_EQ(openai_error_text(R"({"detail":"Not Found"})"), "Not Found");
  EXPECT_EQ(openai_error_text("<html>\n502"), "\"<html>?502\"");
  EXPECT_EQ(openai_error_text("  "), "an empty body");
}

}  // namespace
}  // namespace cupel
