#include <gtest/gtest.h>

#include "base/json.h"

namespace cupel {
namespace {

TEST(JsonLimits, DuplicateKeysCanBeRefused) {
  EXPECT_EQ(parse_json(R"({"a":1,"a":2})")->find("a")->as_int(), 2);
  const auto twice = parse_json(R"([{"a":1,"a":2}])", {.unique_keys = true});
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code, Code::kCorruptData);
  EXPECT_NE(twice.error().message.find("key \"a\" twice"), std::string::npos);
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":2}])", {.unique_keys = true}).has_value());
}

TEST(JsonLimits, BoundTheNumberOfValues) {
  EXPECT_TRUE(parse_json("[1,2,3]", {.max_values = 4}).has_value());
  EXPECT_EQ(parse_json("[1,2,3,4]", {.max_values = 4}).error().code, Code::kExhausted);
}

}  // namespace
}  // namespace cupel
