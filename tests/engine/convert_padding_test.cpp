// The padding token of a reward model's folder: one that no text ends with, in all files that name
// it.
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "base/partial_folder.h"
#include "engine/convert/reward_padding.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

constexpr int64_t kRows = 10;

/// A folder with those special tokens, ids from 0 on; the configuration as JSON.
struct Case {
  std::string name;
  std::vector<std::string> tokens;
  std::string config;             ///< config.json
  std::string naming;             ///< tokenizer_config.json
  std::string padding;            ///< of tokenizer_config.json afterwards; empty: as it was
  std::string id;                 ///< pad_token_id of config.json afterwards
  std::string generation = "{}";  ///< generation_config.json
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

Json tokenizer_of(const std::vector<std::string>& tokens) {
  Json added = Json::array();
  for (size_t id = 0; id < tokens.size(); ++id) {
    added.push_back(
        Json::object().set("id", id).set("content", tokens[id]).set("special", tokens[id] != "a"));
  }
  return Json::object().set("added_tokens", std::move(added));
}

class Padding : public testing::TestWithParam<Case> {
 protected:
  Json file(const std::string& name) {
    return read_json_file(folder_->path() + "/" + name).value();
  }
  std::string settle(const Case& one) {
    folder_.emplace(PartialFolder::create(temporary_.file("model")).value());
    EXPECT_TRUE(folder_->write("config.json", one.config).has_value());
    EXPECT_TRUE(folder_->write("tokenizer_config.json", one.naming).has_value());
    EXPECT_TRUE(folder_->write("generation_config.json", one.generation).has_value());
    EXPECT_TRUE(folder_->write_json("tokenizer.json", tokenizer_of(one.tokens), -1).has_value());
    return settle_padding(*folder_, kRows).value();
  }

  test::TemporaryFolder temporary_;
  std::optional<PartialFolder> folder_;
};

TEST_P(Padding, IsATokenThatNoTextEndsWith) {
  const Case& one = GetParam();
  const std::string note = settle(one);
  EXPECT_EQ(dump_json(*file("config.json").find("pad_token_id")), one.id);
  const Json before = parse_json(one.naming).value();
  const Json after = file("tokenizer_config.json");
  if (one.padding.empty()) {
    EXPECT_EQ(after, before);
  } else {
    Json expected = before;
    EXPECT_EQ(after, expected.set("pad_token", one.padding));
  }
  EXPECT_EQ(!note.empty(), one.id == "null");
}

const std::string kEnd = R"({"pad_token_id": 1, "eos_token_id": 1})";
const std::string kEndNamed = R"({"pad_token": "<e>", "eos_token": "<e>"})";

INSTANTIATE_TEST_SUITE_P(
    All,
    Padding,
    testing::Values(Case{"FittingStays",
                         {"<b>", "<e>", "<pad>"},
                         R"({"pad_token_id": 2, "eos_token_id": 1})",
                         R"({"pad_token": "<pad>", "eos_token": "<e>"})",
                         "",
                         "2"},
                    Case{"UnlistedStays",
                         {"<b>", "<e>", "<unk>"},
                         R"({"pad_token_id": 7, "eos_token_id": 1})",
                         "{}",
                         "",
                         "7"},
                    Case{"TheConfigurationsFits",
                         {"<b>", "<e>", "x"},
                         R"({"pad_token_id": 2, "eos_token_id": 1})",
                         kEndNamed,
                         "x",
                         "2"},
                    Case{"TheTokenizersOwn",
                         {"<b>", "<e>", "<unk>", "<fill>"},
                         R"({"pad_token_id": null, "eos_token_id": 1})",
                         R"({"pad_token": {"content": "<fill>"}, "unk_token": "<unk>"})",
                         "<fill>",
                         "3"},
                    Case{"CalledPad",
                         {"<unk>", "<e>", "<|finetune_right_PAD_id|>"},
                         kEnd,
                         kEndNamed,
                         "<|finetune_right_PAD_id|>",
                         "2"},
                    Case{"Unknown",
                         {"<s>", "<e>", "<|reserved_0|>", "?"},
                         kEnd,
                         R"({"eos_token": "<e>", "unk_token": "?"})",
                         "?",
                         "3"},
                    Case{"UnknownIsTheEnd",
                         {"<s>", "<e>", "<|reserved_0|>", "<unused1>"},
                         kEnd,
                         R"({"eos_token": "<e>", "unk_token": "<e>"})",
                         "<|reserved_0|>",
                         "2"},
                    Case{"Unused", {"<s>", "<e>", "<unused1>"}, kEnd, kEndNamed, "<unused1>", "2"},
                    Case{"AnyEnd",
                         {"<unk>", "<e>", "<pad>"},
                         R"({"pad_token_id": 2, "eos_token_id": [1, 2]})",
                         "{}",
                         "<unk>",
                         "0"},
                    Case{"AnEndOfGeneration",
                         {"<unk>", "<e>", "<pad>"},
                         kEnd,
                         kEndNamed,
                         "<unk>",
                         "0",
                         R"({"eos_token_id": [1, 2]})"},
                    Case{"TheBeginningIsNone",
                         {"<unk>", "<e>"},
                         R"({"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 1})",
                         kEndNamed,
                         "",
                         "null"},
                    Case{"AnyOtherSpecialOne",
                         {"a", "<e>", "<|im_start|>", "<s>"},
                         kEnd,
                         kEndNamed,
                         "<|im_start|>",
                         "2"},
                    Case{"NoneFits", {"a", "<e>", "a"}, kEnd, kEndNamed, "", "null"},
                    Case{"OutsideTheEmbedding",
                         {"a", "<e>", "a", "a", "a", "a", "a", "a", "a", "a", "<pad>"},
                         kEnd,
                         kEndNamed,
                         "",
                         "null"}),
    [](const auto& one) { return one.param.name; });

TEST_F(Padding, IsNamedWhereverTheTokenizerNamesIts) {
  folder_.emplace(PartialFolder::create(temporary_.file("model")).value());
  ASSERT_TRUE(folder_->write("config.json", kEnd).has_value());
  ASSERT_TRUE(folder_->write("special_tokens_map.json", kEndNamed).has_value());
  ASSERT_TRUE(
      folder_->write_json("tokenizer.json", tokenizer_of({"<unk>", "<e>"}), -1).has_value());
  EXPECT_EQ(settle_padding(*folder_, kRows).value(), "");
  EXPECT_EQ(file("special_tokens_map.json").find("pad_token")->as_string(), "<unk>");
  EXPECT_FALSE(path_exists(folder_->path() + "/tokenizer_config.json").value());
}

TEST_F(Padding, ADamagedFileIsNamed) {
  folder_.emplace(PartialFolder::create(temporary_.file("model")).value());
  ASSERT_TRUE(folder_->write("config.json", kEnd).has_value());
  ASSERT_TRUE(folder_->write("tokenizer.json", "[1]").has_value());
  const auto refused = settle_padding(*folder_, kRows);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kCorruptData);
  EXPECT_THAT(refused.error().message,
              testing::HasSubstr("tokenizer.json: is array; expected an object"));
}

}  // namespace
}  // namespace cupel::engine
