#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/checkpoint/inspect.h"
#include "engine/gguf_sample.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using testing::HasSubstr;

TEST(Inspect, CountsWhatIsInTheFile) {
  const std::string bytes = test::sample_file();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "sample.gguf");
  ASSERT_TRUE(file.has_value());
  const Json report = inspect(*file);
  EXPECT_EQ(report.find("file")->as_string(), "sample.gguf");
  EXPECT_EQ(report.find("architecture")->as_string(), "llama");
  EXPECT_EQ(report.find("parameters")->as_int(), 96 + 128 + 64 + 120 + 128 + 5);
  EXPECT_EQ(report.find("fingerprint")->as_string(), file->fingerprint());
  EXPECT_TRUE(report.find("layers")->is_null());
  EXPECT_TRUE(report.find("chat_template")->is_null());
  EXPECT_EQ(report.find("tensors")->size(), 6U);
  EXPECT_EQ(report.find("types")->as_array().front().find("type")->as_string(), "F32");
  EXPECT_EQ(report.find("types")->as_array().front().find("bytes")->as_int(), 4 * (128 + 5));
  EXPECT_EQ(report.find("metadata")->find("a.i32")->as_int(), -5);
  EXPECT_EQ(report.find("metadata")->find("tokenizer.ggml.tokens")->find("count")->as_int(), 3);
}

TEST(Inspect, TextNamesTheAbsent) {
  const std::string bytes = test::sample_file();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "sample.gguf");
  ASSERT_TRUE(file.has_value());
  const std::string text = inspect_text(inspect(*file), {.tensors = true});
  EXPECT_THAT(text, HasSubstr("architecture    llama\n"));
  EXPECT_THAT(text, HasSubstr("layers          not given\n"));
  EXPECT_THAT(text, HasSubstr("chat template   none: give one to chat with this model\n"));
  EXPECT_THAT(text, HasSubstr("blk.0.attn_q.weight"));
  EXPECT_THAT(text, HasSubstr("[64, 2]"));
}

TEST(Inspect, HostileNamesStayOnTheirLine) {
  GgufHeader header;
  header.set_string("general.architecture", "ll\nama\x1B[2J");
  header.set("k\nk", uint32_t{1});
  const std::string bytes = header.encode();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "sample.gguf");
  ASSERT_TRUE(file.has_value());
  const Json report = inspect(*file);
  EXPECT_EQ(report.find("architecture")->as_string(), "ll?ama?[2J");
  EXPECT_TRUE(report.find("metadata")->contains("k?k"));
}

// Numbers of the model card and of the file's own table, read with gguf-dump of gguf-py 0.19.0.
TEST(Inspect, DescribesSmolLm2) {
  const std::string path = cupel::test::model_file("SmolLM2-135M-Instruct.Q4_1.gguf");
  CUPEL_SKIP_UNLESS(path, "the default model is absent: its description was not checked");
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const Json report = inspect(*file);
  EXPECT_EQ(report.find("parameters")->as_int(), 134515008);
  EXPECT_EQ(report.find("layers")->as_int(), 30);
  EXPECT_EQ(report.find("width")->as_int(), 576);
  EXPECT_EQ(report.find("kv_heads")->as_int(), 3);
  EXPECT_EQ(report.find("tokenizer")->find("kind")->as_string(), "gpt2");
  EXPECT_EQ(report.find("tokenizer")->find("pre")->as_string(), "smollm");
  EXPECT_EQ(report.find("tokenizer")->find("vocabulary_size")->as_int(), 49152);
  EXPECT_EQ(report.find("license")->as_string(), "apache-2.0");
  EXPECT_EQ(report.find("chat_template")->find("bytes")->as_int(), 368);
}

}  // namespace
}  // namespace cupel::engine
