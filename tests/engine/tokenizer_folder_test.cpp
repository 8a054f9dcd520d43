#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/gguf_sample.h"
#include "engine/tokenizer/from_folder.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using testing::HasSubstr;

constexpr std::string_view kTokenizer = R"({
  "added_tokens": [{"id": 3, "content": "<s>", "special": true}, {"id": 4, "content": "</s>", "special": true}],
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}}})";

class ModelFolder : public testing::Test {
 protected:
  void SetUp() override { write("tokenizer.json", kTokenizer); }
  void write(const std::string& name, std::string_view content) {
    ASSERT_TRUE(write_file_atomic(folder_.file(name), content).has_value());
  }
  ModelTexts load() {
    auto texts = load_texts_from_folder(folder_.path());
    EXPECT_TRUE(texts.has_value()) << (texts ? "" : texts.error().message);
    return texts ? std::move(texts).value() : ModelTexts{};
  }
  Error error() {
    const auto texts = load_texts_from_folder(folder_.path());
    if (texts) {
      ADD_FAILURE() << "accepted";
      return {};
    }
    return texts.error();
  }
  cupel::test::TemporaryFolder folder_;
};

TEST_F(ModelFolder, TokenizerAlone) {
  const ModelTexts texts = load();
  ASSERT_NE(texts.tokenizer, nullptr);
  EXPECT_EQ(texts.tokenizer->encode("ab", {.add_special = true}), (std::vector<TokenId>{3, 2}));
  EXPECT_EQ(texts.bos, -1);  // nothing says which token it is
  EXPECT_EQ(texts.chat_template, "");
  EXPECT_FALSE(texts.tokenizer->ends_generation(4));
}

TEST_F(ModelFolder, ReadsTheConfiguration) {
  write("tokenizer_config.json", R"({
    "bos_token": {"__type": "AddedToken", "content": "<s>"}, "eos_token": "</s>", "pad_token": "<pad>", "unk_token": null,
    "added_tokens_decoder": {"5": {"content": "<pad>", "special": true}, "3": {"content": "<s>", "special": true}},
    "chat_template": "{{ messages }}"})");
  write("generation_config.json", R"({"eos_token_id": [4, 2]})");
  write("config.json", R"({"eos_token_id": 1})");
  const ModelTexts texts = load();
  ASSERT_NE(texts.tokenizer, nullptr);
  EXPECT_EQ(texts.bos, 3);
  EXPECT_EQ(texts.eos, 4);
  EXPECT_EQ(texts.padding, 5);
  EXPECT_EQ(texts.unknown, -1);
  EXPECT_TRUE(texts.add_bos);
  EXPECT_FALSE(texts.add_eos);
  EXPECT_EQ(texts.chat_template, "{{ messages }}");
  EXPECT_EQ(texts.tokenizer->vocabulary_size(), 6U);
  EXPECT_TRUE(texts.tokenizer->ends_generation(4));
  EXPECT_TRUE(texts.tokenizer->ends_generation(2));
  EXPECT_FALSE(texts.tokenizer->ends_generation(1));  // generation_config.json counts
}

TEST_F(ModelFolder, FlagsCountMoreThanThePostProcessor) {
  write("tokenizer_config.json",
        R"({"bos_token": "<s>", "add_bos_token": false, "add_eos_token": true})");
  write("special_tokens_map.json", R"({"bos_token": "a", "eos_token": "</s>"})");
  write("config.json", R"({"eos_token_id": 1})");
  const ModelTexts texts = load();
  ASSERT_NE(texts.tokenizer, nullptr);
  EXPECT_EQ(texts.bos, 3);
  EXPECT_FALSE(texts.add_bos);
  EXPECT_TRUE(texts.add_eos);
  EXPECT_EQ(texts.tokenizer->encode("b", {.add_special = true}), (std::vector<TokenId>{1, 4}));
  EXPECT_TRUE(texts.tokenizer->ends_generation(1));
}

TEST_F(ModelFolder, FindsTheChatTemplate) {
  write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "tools", "template": "T"}, {"name": "default", "template": "D"}]})");
  EXPECT_EQ(load().chat_template, "D");
  write("chat_template.json", R"({"chat_template": "J"})");
  EXPECT_EQ(load().chat_template, "D");
  write("tokenizer_config.json", "{}");
  EXPECT_EQ(load().chat_template, "J");
  write("chat_template.jinja", "F");
  EXPECT_EQ(load().chat_template, "F");
}

TEST_F(ModelFolder, NamesFileAndKeyOfWhatIsWrong) {
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "a", "template": "A"}, {"name": "b", "template": "B"}]})");
  EXPECT_EQ(error().code, Code::kUnsupported);
  EXPECT_THAT(error().message,
              HasSubstr("tokenizer_config.json: chat_template has no template named"));
  write("tokenizer_config.json", R"({"eos_token": "<none>"})");
  EXPECT_THAT(error().message, HasSubstr("tokenizer.json: the eos_token \"<none>\""));
  write("tokenizer_config.json", R"({"add_bos_token": true})");
  EXPECT_THAT(error().message, HasSubstr("add_bos_token is true"));
  write("tokenizer_config.json", R"({"bos_token": 3})");
  EXPECT_THAT(error().message, HasSubstr("tokenizer_config.json: bos_token is integer"));
  write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "y"}}})");
  EXPECT_THAT(error().message, HasSubstr("added_tokens_decoder.x: the key is no id"));
  write("tokenizer_config.json", "{");
  EXPECT_THAT(error().message, HasSubstr("tokenizer_config.json: json error"));
  write("tokenizer_config.json", "{}");
  write("generation_config.json", R"({"eos_token_id": 77})");
  EXPECT_THAT(error().message, HasSubstr("eos_token_id 77"));
}

TEST(ModelTextsOfFolder, NeedsATokenizer) {
  const cupel::test::TemporaryFolder folder;
  EXPECT_EQ(load_texts_from_folder(folder.path()).error().code, Code::kNotFound);
}

TEST(ModelTextsOfGguf, HasTheSameShape) {
  GgufHeader header;
  header.set_string("tokenizer.ggml.model", "gpt2");
  header.set_string("tokenizer.ggml.pre", "gpt-2");
  const std::vector<std::string_view> tokens{"a", "b", "ab", "<|eot_id|>"};
  header.set_string_array("tokenizer.ggml.tokens", tokens);
  const std::vector<std::string_view> merges{"a b"};
  header.set_string_array("tokenizer.ggml.merges", merges);
  header.set("tokenizer.ggml.bos_token_id", uint32_t{3});
  header.set("tokenizer.ggml.padding_token_id", uint32_t{1});
  header.set("tokenizer.ggml.add_bos_token", true);
  header.set_string("tokenizer.chat_template", "T");
  const std::string bytes = header.encode();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "small.gguf");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto texts = load_texts(*file);
  ASSERT_TRUE(texts.has_value()) << texts.error().message;
  EXPECT_EQ(texts->bos, 3);
  EXPECT_TRUE(texts->add_bos);
  EXPECT_FALSE(texts->add_eos);
  EXPECT_EQ(texts->padding, 1);
  EXPECT_EQ(texts->unknown, -1);
  EXPECT_EQ(texts->chat_template, "T");
}

}  // namespace
}  // namespace cupel::engine
