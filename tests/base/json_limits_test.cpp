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

TEST(JsonLimits, IntegersCanBeAskedToBeExact) {
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "[1e2,18446744073709551616]"}) {
    EXPECT_TRUE(parse_json(text).has_value()) << text;
    const auto exact = parse_json(text, {.exact_integers = true});
    ASSERT_FALSE(exact.has_value()) << text;
    EXPECT_EQ(exact.error().code, Code::kUnsupported);
    EXPECT_NE(exact.error().message.find("exact"), std::string::npos) << exact.error().message;
  }
  for (const char* text : {"9223372036854775807", "-9223372036854775808", "1e30", "1.0"}) {
    EXPECT_TRUE(parse_json(text, {.exact_integers = true}).has_value()) << text;
  }
}

TEST(JsonLimits, BoundTheNumberOfValues) {
  EXPECT_TRUE(parse_json("[1,2,3]", {.max_values = 4}).has_value());
  EXPECT_EQ(parse_json("[1,2,3,4]", {.max_values = 4}).error().code, Code::kExhausted);
}

}  // namespace
}  // namespace cupel
