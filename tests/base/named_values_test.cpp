#include "base/named_values.h"

#include <array>

#include <gtest/gtest.h>

namespace cupel {
namespace {

enum class Colour { kRed, kGreen };
constexpr std::array<std::string_view, 2> kColours = {"red", "green"};

TEST(ParseEnum, FindsTheEnumeratorByItsName) {
  EXPECT_EQ(*parse_enum<Colour>("green", kColours, "colour"), Colour::kGreen);
  EXPECT_EQ(*parse_enum<Colour>("red", kColours, "colour"), Colour::kRed);
}

TEST(ParseEnum, NamesTheNearestAndAll) {
  const auto unknown = parse_enum<Colour>("gren", kColours, "colour");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Code::kInvalidArgument);
  EXPECT_EQ(unknown.error().message,
            "unknown colour \"gren\" (did you mean \"green\"?); expected red, green");
}

}  // namespace
}  // namespace cupel
