#include "base/json_fields.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/rng.h"
#include "base/text.h"

namespace cupel {
namespace {

TEST(JsonFieldReader, TakesMembersAndMembersOfMembers) {
  JsonFieldReader reader(
      {"model_a", "conv_metadata.turns", "n", "absent", "list", "conv_metadata"});
  const auto read = reader.read(
      R"( {"x": [1, {"model_a": "no"}], "model_a" : "gpt-4","n":-1.5e3, "list": ["a", 2],)"
      R"( "conv_metadata": {"a": {"turns": 9}, "turns": 2}} )");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(reader.value(0), "gpt-4");
  EXPECT_EQ(reader.value(1), "2");
  EXPECT_EQ(reader.value(2), "-1.5e3");
  EXPECT_EQ(reader.value(3), "");
  EXPECT_FALSE(reader.has(3));
  EXPECT_EQ(reader.value(4), R"(["a", 2])");
  EXPECT_EQ(reader.value(5), R"({"a": {"turns": 9}, "turns": 2})");
}

TEST(JsonFieldReader, ReplacesEscapes) {
  JsonFieldReader reader({"a", "é"});
  ASSERT_TRUE(reader.read(R"({"\u0061":"q\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00", "\u00e9":"x"})"));
  EXPECT_EQ(reader.value(0), "q\"\\/\b\f\n\r\té😀");
  EXPECT_EQ(reader.value(1), "x");
}

TEST(JsonFieldReader, NullIsEmptyButThere) {
  JsonFieldReader reader({"a", "b.c"});
  ASSERT_TRUE(reader.read(R"({"a": null, "b": 3})"));
  EXPECT_EQ(reader.value(0), "");
  EXPECT_TRUE(reader.has(0));
  EXPECT_FALSE(reader.has(1));
  ASSERT_TRUE(reader.read("{}"));
  EXPECT_FALSE(reader.has(0));  // nothing stays from the text before
}

TEST(JsonFieldReader, RefusesAKeyThatStandsTwice) {
  JsonFieldReader reader({"a", "b.c"});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a": 1, "a": 1})", "json error at column 10: the key \"a\" stands in its object twice"},
      {R"({"a": 1, "b": {"c": 1}, "\u0061": 2})", "the key \"a\""},
      {R"({"b": {"c": 1, "d": 2, "c": 3}})", "json error at column 24: the key \"c\""},
      {R"({"b": {"c": 1}, "b": {"d": 1}})", "the key \"b\""}};
  for (const auto& [text, expected] : cases) {
    const auto read = reader.read(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, Code::kCorruptData);
    EXPECT_NE(read.error().message.find(expected), std::string::npos) << read.error().message;
  }
  // In another object, or not asked for, it may; and nothing stays from the texts before.
  EXPECT_TRUE(reader.read(R"({"a": {"a": 1}, "x": 1, "x": 2, "b": {"b": 1, "a": 2}})").has_value());
}

TEST(JsonFieldReader, SaysWhatIsBrokenAndWhere) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "json error at column 1: expected an object"},
      {"[1]", "json error at column 1: expected an object"},
      {R"({"a":1)", "json error at column 7: expected a comma or the end of the object"},
      {R"({"a":})", "json error at column 6: expected a value"},
      {R"({"a":01})", "json error at column 7: expected a comma"},
      {R"({"a":1.})", "expected a value"},
      {R"({"a" 1})", "expected a colon"},
      {R"({a:1})", "expected a key in quotes"},
      {R"({"a":"x)", "the text ends inside a string"},
      {"{\"a\":\"x\ny\"}", "a control character inside a string"},
      {R"({"a":"\x"})", "expected an escape that JSON knows"},
      {R"({"a":"\ud800"})", "expected an escape that JSON knows"},
      {R"({"a":[1,]})", "expected a value"},
      {R"({"a":1} 2)", "text follows the object"},
      {R"({"a":)" + std::string(600, '[') + "}", "nested deeper than 512 levels"}};
  for (const auto& [text, message] : cases) {
    JsonFieldReader reader({"a"});
    const auto read = reader.read(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, Code::kCorruptData);
    EXPECT_NE(read.error().message.find(message), std::string::npos) << read.error().message;
  }
}

/// As JsonFieldReader gives a value.
std::string as_text(const Json* value, std::string_view found) {
  if (value == nullptr || value->is_null()) {
    return "";
  }
  return value->is_string() ? value->as_string() : std::string(found);
}

TEST(JsonFieldReader, AcceptsAndGivesWhatParseJsonDoes) {
  const std::string sample =
      R"({"a":"x\n\u00e9y","b":{"c":[1,-2.5e-3,true,null],"d":{"e":""}},"f":false,"g":"plain \\ "})";
  const std::string_view bytes = "\"\\{}[]:,0-.e1 tn\x01u";
  JsonFieldReader reader({"a", "b.c", "b.d.e", "f", "g"});
  Rng rng(5);
  size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = sample;
    for (uint64_t changes = rng.below(3); changes > 0; --changes) {
      const size_t at = rng.below(text.size());
      switch (rng.below(3)) {
        case 0:
          text[at] = bytes[rng.below(bytes.size())];
          break;
        case 1:
          text.erase(at, 1 + rng.below(4));
          break;
        default:
          text.insert(at, 1, bytes[rng.below(bytes.size())]);
      }
    }
    const auto tree = parse_json(text);
    const bool read = reader.read(text).has_value();
    const bool odd = !is_valid_utf8(text) || text.find("e-") != std::string::npos;
    ASSERT_TRUE(read == (tree.has_value() && tree->is_object()) || odd) << text;
    if (!read || !tree.has_value()) {
      continue;
    }
    ++accepted;
    const Json* b = tree->find("b");
    const Json* d = b != nullptr ? b->find("d") : nullptr;
    ASSERT_EQ(reader.value(0), as_text(tree->find("a"), reader.value(0))) << text;
    ASSERT_EQ(reader.value(2), as_text(d != nullptr ? d->find("e") : nullptr, reader.value(2)));
    ASSERT_EQ(reader.value(4), as_text(tree->find("g"), reader.value(4))) << text;
    ASSERT_EQ(reader.has(3), tree->find("f") != nullptr) << text;
  }
  EXPECT_GT(accepted, 4'000U);
}

TEST(JsonPaths, AreOpenedInOrder) {
  const auto paths = json_paths(R"({"a":1,"b":{"c":{"d":2}},"e":[{"f":1}]})");
  ASSERT_TRUE(paths.has_value());
  EXPECT_EQ(*paths, (std::vector<std::string>{"a", "b", "b.c", "b.c.d", "e"}));
  EXPECT_EQ(json_paths(R"({"a":{"b":{"c":1}}})", 1)->size(), 2U);
  EXPECT_FALSE(json_paths("[1]").has_value());
}

}  // namespace
}  // namespace cupel
