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

TEST(ModelSpec, ReadsPulledModels) {
  const ModelSpec spec = parsed("small=org/My-GGUF@v1:sub/My.Q4_0.gguf,noise=0.1");
  EXPECT_EQ(spec.kind, ModelKind::kHub);
  EXPECT_EQ(spec.name, "small");
  EXPECT_EQ(spec.target, "org/My-GGUF@v1:sub/My.Q4_0.gguf");
  EXPECT_EQ(spec.option("noise"), "0.1");
  EXPECT_EQ(parsed("org/My-GGUF:sub/My.Q4_0.gguf").name, "My.Q4_0");
  EXPECT_EQ(parsed("org/My-GGUF:*q8_0*.gguf").name, "My-GGUF");
  EXPECT_EQ(parsed("org/My-GGUF").name, "My-GGUF");
  // A file where it could be both, and a path that names no repository.
  EXPECT_EQ(parsed("models/a.gguf").kind, ModelKind::kGguf);
  EXPECT_EQ(parsed("/a/b:c.gguf").kind, ModelKind::kGguf);
  EXPECT_EQ(parsed("m=folder").kind, ModelKind::kHub);  // what it is shows on disk
}

TEST(ModelSpec, RefusesWhatMakesNoSense) {
  for (const char* text : {"", "m=", "m=a:b", "a b=x.gguf", "..=x.gguf", "m=x.gguf,noize=1",
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

TEST(ModelSpec, NumbersAreReadWhole) {
  const auto spec = parsed("j=openai:m@http://h/v1,concurrency=3,timeout=2.5");
  EXPECT_EQ(integer_option(spec, "concurrency", 1, 8, 2).value(), 3);
  EXPECT_DOUBLE_EQ(number_option(spec, "timeout", 0, 10, 1).value(), 2.5);
  EXPECT_EQ(integer_option(parsed("openai:m@http://h"), "concurrency", 1, 8, 2).value(), 2);
  for (const char* text : {"2.9", "-1.7", "nan", "1e300", "1e1", "0", "9", "", "4x", " 4", "+4",
                           "99999999999999999999"}) {
    const auto bad = parsed(std::string("j=openai:m@http://h/v1,concurrency=") + text);
    const auto value = integer_option(bad, "concurrency", 1, 8, 2);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Code::kInvalidArgument);
    EXPECT_EQ(value.error().message, std::string("model j: concurrency is \"") + text +
                                         "\"; expected a whole number from 1 to 8");
  }
  for (const char* text : {"nan", "inf", "-0.1", "10.5", "1e300", ""}) {
    const auto bad = parsed(std::string("j=openai:m@http://h/v1,timeout=") + text);
    EXPECT_FALSE(number_option(bad, "timeout", 0, 10, 1)) << text;
  }
}

TEST(ModelSpec, IsShownWithoutWhatMayBeSecret) {
  const std::pair<const char*, const char*> cases[] = {
      {"j=openai:m@http://h:1/v1?api-key=SECRET", "j=openai:m@http://h:1/v1"},
      {"j=openai:m@http://h/v1?a=1,2&k=SECRET,concurrency=3,timeout=9",
       "j=openai:m@http://h/v1,concurrency=3,timeout=9"},
      {"openai:m@https://me:SECRET@h/v1,key-env=K", "openai:m@https://h/v1,key-env=K"},
      {"openai:m@https://me:SEC@RET@h?k=SECRET", "openai:m@https://h"},
      {"openai:m@https://h/a@b#SECRET", "openai:m@https://h/a@b"},
      {"null:What? Who?", "null:What? Who?"},
      {"a=models/a?b.gguf,noise=1", "a=models/a?b.gguf,noise=1"}};
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(shown_spec(text), shown);
  }
  for (const char* text : {"j=openai:@http://h/v1?k=SECRET", "a b=openai:m@http://h/v1?k=SECRET",
                           "j=openai:m@http://h/v1?k=SECRET,tiemout=3"}) {
    const auto spec = parse_model_spec(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().message.find("SECRET"), std::string::npos) << spec.error().message;
  }
}

}  // namespace
}  // namespace cupel
