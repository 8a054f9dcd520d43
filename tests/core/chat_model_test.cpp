#include "core/chat_model.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "core/fixed_models.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

ChatRequest question(int64_t id, int64_t turn) {
  ChatRequest request;
  request.messages = {text_message("user", "12345678")};
  request.template_variables = Json::object().set("question_id", id).set("turn", turn);
  return request;
}

TEST(FinishReasonNames, RoundTrip) {
  for (const auto reason : {FinishReason::kStop, FinishReason::kLength, FinishReason::kCancelled,
                            FinishReason::kFiltered}) {
    EXPECT_EQ(*parse_finish_reason(finish_reason_name(reason)), reason);
  }
  EXPECT_EQ(parse_finish_reason("bored").error().code, Code::kCorruptData);
}

TEST(CheckSampling, NamesTheFieldThatIsOutOfRange) {
  EXPECT_TRUE(check_sampling({}));
  const std::vector<std::pair<SamplingOptions, std::string>> cases = {
      {{.temperature = -1}, "temperature"},
      {{.temperature = 0.0 / 0.0}, "temperature"},
      {{.top_k = -1}, "top_k"},
      {{.top_p = 0}, "top_p"},
      {{.top_p = 1.1}, "top_p"},
      {{.min_p = 1}, "min_p"},
      {{.repetition_penalty = 0}, "repetition_penalty"},
      {{.max_tokens = 0}, "max_tokens"},
      {{.stop = {""}}, "stop"},
      {{.stop = {"x"}, .constraint = {OutputConstraint::Kind::kRegex, "a"}}, "stop"}};
  for (const auto& [options, field] : cases) {
    const auto checked = check_sampling(options);
    ASSERT_FALSE(checked) << field;
    EXPECT_EQ(checked.error().code, Code::kInvalidArgument);
    EXPECT_NE(checked.error().message.find(field), std::string::npos) << checked.error().message;
  }
}

// Keys of calls without a constraint stay what they were.
TEST(SamplingJson, HoldsAConstraintOnlyWhereThereIsOne) {
  EXPECT_FALSE(sampling_to_json({}).contains("regex"));
  EXPECT_FALSE(sampling_to_json({}).contains("json_schema"));
  SamplingOptions options;
  options.constraint = {OutputConstraint::Kind::kJsonSchema, "{}"};
  EXPECT_EQ(*get_string(sampling_to_json(options), "json_schema"), "{}");
  options.constraint.kind = OutputConstraint::Kind::kRegex;
  EXPECT_EQ(*get_string(sampling_to_json(options), "regex"), "{}");
}

TEST(NullModel, RefusesConstraints) {
  NullModel model("null", "I cannot say");
  ChatRequest request;
  request.sampling.constraint = {OutputConstraint::Kind::kRegex, "a"};
  const auto response = complete(model, request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnsupported);
}

TEST(NullModel, AnswersItsTextToEverything) {
  NullModel model("null", "I cannot say");
  const auto response = complete(model, question(1, 1));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->text, "I cannot say");
  EXPECT_EQ(*model.count_prompt_tokens(question(1, 1)), 2);
  EXPECT_NE(model.fingerprint(), NullModel("null", "other").fingerprint());
  EXPECT_EQ(model.fingerprint(), NullModel("renamed", "I cannot say").fingerprint());
}

TEST(RecordedModel, ReplaysTheTurnThatIsAsked) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.jsonl");
  ASSERT_TRUE(write_file_atomic(
      path, "{\"question_id\": 81, \"choices\": [{\"turns\": [\"one\", \"two\"]}]}\n"));
  auto model = RecordedModel::open("m", path);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(complete(**model, question(81, 2))->text, "two");
  EXPECT_EQ(complete(**model, question(81, 3)).error().code, Code::kNotFound);
  EXPECT_EQ(complete(**model, question(82, 1)).error().code, Code::kNotFound);
  EXPECT_EQ(complete(**model, {}).error().code, Code::kInvalidArgument);
}

TEST(RecordedModel, NamesTheLineThatIsWrong) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.jsonl");
  const std::string good = "{\"question_id\": 81, \"choices\": [{\"turns\": [\"one\"]}]}\n";
  for (const std::string bad :
       {"{\"question_id\": 81, \"choices\": [{\"turns\": [\"again\"]}]}\n",
        "{\"question_id\": 1}\n", "{\"question_id\": 1, \"choices\": []}\n",
        "{\"question_id\": 1, \"choices\": [{\"turns\": [5]}]}\n", "nonsense\n"}) {
    ASSERT_TRUE(write_file_atomic(path, good + bad));
    const auto model = RecordedModel::open("m", path);
    ASSERT_FALSE(model) << bad;
    EXPECT_EQ(model.error().code, Code::kCorruptData);
    EXPECT_NE(model.error().message.find(path + ":2"), std::string::npos) << model.error().message;
  }
  EXPECT_EQ(RecordedModel::open("m", folder.file("none.jsonl")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel
