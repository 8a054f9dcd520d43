#include "core/model_spec.h"

#include <gtest/gtest.h>

namespace cupel {
namespace {

ModelSpec parsed(std::string_view text) {
  auto spec = parse_model_spec(text);
  EXPECT_TRUE(spec) << text << ": " << spec.error().message;
  return spec ? *spec : ModelSpec{};
}

TEST(ModelSpec, ReadsAFileWithNameAndOptions) {
  const ModelSpec spec = parsed("damaged=models/a,b.gguf,noise=0.1,noise-seed=7");
  EXPECT_EQ(spec.name, "damaged");
  EXPECT_EQ(spec.kind, ModelKind::kGguf);
  EXPECT_EQ(spec.target, "models/a,b.gguf");
  EXPECT_EQ(spec.option("noise"), "0.1");
  EXPECT_EQ(spec.option("noise-seed"), "7");
  EXPECT_EQ(spec.option("template"), "");
}

TEST(ModelSpec, NamesAFileByItsStem) {
  EXPECT_EQ(parsed("/a/b/SmolLM2.Q4_1.gguf").name, "SmolLM2.Q4_1");
}

TEST(ModelSpec, ReadsEndpoints) {
  const ModelSpec spec = parsed("judge=openai:org/m@http://localhost:1/v1,key-env=KEY");
  EXPECT_EQ(spec.kind, ModelKind::kOpenAi);
  EXPECT_EQ(spec.name, "judge");
  EXPECT_EQ(spec.target, "org/m");
  EXPECT_EQ(spec.url, "http://localhost:1/v1");
  EXPECT_EQ(spec.option("key-env"), "KEY");
  EXPECT_EQ(parsed("openai:org/m@https://h/v1").name, "org-m");
}

TEST(ModelSpec, ReadsConstantsAndRecordings) {
  const ModelSpec constant = parsed("null:Yes, a=b, of course");
  EXPECT_EQ(constant.kind, ModelKind::kNull);
  EXPECT_EQ(constant.name, "null");
  EXPECT_EQ(constant.target, "Yes, a=b, of course");
  const ModelSpec recorded = parsed("gpt-4=answers:x/gpt-4.jsonl");
  EXPECT_EQ(recorded.kind, ModelKind::kAnswers);
  EXPECT_EQ(recorded.target, "x/gpt-4.jsonl");
}

TEST(ModelSpec, RefusesWhatMakesNoSense) {
  for (const char* text : {"", "m=", "m=model.bin", "a b=x.gguf", "..=x.gguf", "m=x.gguf,noize=1",
                           "m=x.gguf,noise=1,noise=2", "m=openai:model", "m=openai:@http://h",
                           "m=openai:x@ftp://h", "m=answers:"}) {
    const auto spec = parse_model_spec(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().code, Code::kInvalidArgument);
    EXPECT_EQ(spec.error().message.find('\n'), std::string::npos);
  }
  EXPECT_NE(parse_model_spec("m=x.gguf,noize=1").error().message.find("did you mean \"noise\""),
            std::string::npos);
}

}  // namespace
}  // namespace cupel
