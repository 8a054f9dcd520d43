// Bounds of numbers by brute force: every number of a grid, written out, against its own value.
#include <cmath>

#include "base/format.h"
#include "base/rng.h"
#include "decode/constraint_support.h"

namespace cupel::decode::constraint {
namespace {

using test::accepts;
using test::error_of;
using test::schema_machine;

TEST(ConstraintNumbers, IntegersBetweenBounds) {
  Rng rng(5);
  for (int round = 0; round < 60; ++round) {
    const int64_t a = static_cast<int64_t>(rng.below(2400)) - 1200;
    const int64_t b = a + static_cast<int64_t>(rng.below(round % 2 == 0 ? 30 : 1500));
    const bool open_low = rng.below(2) == 0;
    const bool open_high = rng.below(2) == 0 && b - a > 1;
    auto machine = schema_machine(format(R"({{"type":"integer","{}":{},"{}":{}}})",
                                         open_low ? "exclusiveMinimum" : "minimum", a,
                                         open_high ? "exclusiveMaximum" : "maximum", b + 1));
    for (int64_t x = -1300; x <= 2800; ++x) {
      const bool inside = (open_low ? x > a : x >= a) && (open_high ? x < b + 1 : x <= b + 1);
      ASSERT_EQ(accepts(machine, format("{}", x)), inside) << x << " in " << a << ", " << b + 1;
    }
    for (const char* text : {"", "-", "-0", "00", "01", "1.0", "1e1", "+1"}) {
      ASSERT_FALSE(accepts(machine, text)) << text;
    }
  }
}

// Numbers of up to three decimals, with and without trailing zeros, compared as thousandths.
TEST(ConstraintNumbers, NumbersBetweenBounds) {
  Rng rng(6);
  for (int round = 0; round < 60; ++round) {
    const int64_t a = static_cast<int64_t>(rng.below(24000)) - 12000;
    const int64_t b = a + static_cast<int64_t>(rng.below(round % 2 == 0 ? 40 : 15000));
    const bool open_low = rng.below(2) == 0;
    const bool open_high = rng.below(2) == 0;
    auto compiled = compile_json_schema(
        format(R"({{"type":"number","{}":{},"{}":{}}})", open_low ? "exclusiveMinimum" : "minimum",
               static_cast<double>(a) / 1000, open_high ? "exclusiveMaximum" : "maximum",
               static_cast<double>(b) / 1000));
    if (a == b && (open_low || open_high)) {
      ASSERT_FALSE(compiled.has_value());
      continue;
    }
    auto machine = test::machine_of(std::move(compiled));
    for (int64_t x = a - 300; x <= b + 300; x += 1 + static_cast<int64_t>(rng.below(7))) {
      const bool inside = (open_low ? x > a : x >= a) && (open_high ? x < b : x <= b);
      const int64_t m = std::abs(x);
      std::string text = format("{}{}.{:03}", x < 0 ? "-" : "", m / 1000, m % 1000);
      ASSERT_EQ(accepts(machine, text), inside) << text << " in " << a << ", " << b;
      ASSERT_EQ(accepts(machine, text + "00"), inside) << text << " in " << a << ", " << b;
      if (m % 10 == 0) {
        text.pop_back();
        ASSERT_EQ(accepts(machine, text), inside) << text << " in " << a << ", " << b;
      }
      if (x % 1000 == 0) {
        text = format("{}", x / 1000);
        ASSERT_EQ(accepts(machine, text), inside) << text << " in " << a << ", " << b;
      }
    }
  }
}

TEST(ConstraintNumbers, OneSidedBounds) {
  auto positive = schema_machine(R"({"type":"number","exclusiveMinimum":0})");
  for (const char* text : {"0.001", "5", "123456789.5", "0.10"}) {
    EXPECT_TRUE(accepts(positive, text)) << text;
  }
  for (const char* text : {"0", "0.0", "-1", "-0", "1e5"}) {
    EXPECT_FALSE(accepts(positive, text)) << text;
  }
  auto small = schema_machine(R"({"type":"integer","maximum":-10})");
  EXPECT_TRUE(accepts(small, "-10"));
  EXPECT_TRUE(accepts(small, "-123456789"));
  EXPECT_FALSE(accepts(small, "-9"));
  EXPECT_FALSE(accepts(small, "10"));
}

TEST(ConstraintNumbers, TheTighterOfTwoBoundsHolds) {
  auto machine = schema_machine(
      R"({"type":"integer","minimum":3,"exclusiveMinimum":3,"maximum":9,"exclusiveMaximum":12})");
  EXPECT_FALSE(accepts(machine, "3"));
  EXPECT_TRUE(accepts(machine, "4"));
  EXPECT_TRUE(accepts(machine, "9"));
  EXPECT_FALSE(accepts(machine, "10"));
}

TEST(ConstraintNumbers, LongBoundsAreExact) {
  auto machine =
      schema_machine(R"({"type":"integer","minimum":9007199254740993,"maximum":9007199254740995})");
  EXPECT_FALSE(accepts(machine, "9007199254740992"));  // 2^53, which a double confuses with 2^53+1
  EXPECT_TRUE(accepts(machine, "9007199254740993"));
  EXPECT_TRUE(accepts(machine, "9007199254740995"));
  EXPECT_FALSE(accepts(machine, "9007199254740996"));
}

TEST(ConstraintNumbers, WhatNothingLiesBetweenIsRefused) {
  for (const char* schema : {R"({"type":"integer","minimum":2,"maximum":1})",
                             R"({"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2})",
                             R"({"type":"number","exclusiveMinimum":0,"maximum":0})"}) {
    EXPECT_EQ(error_of(compile_json_schema(std::string_view(schema))).code, Code::kInvalidArgument)
        << schema;
  }
  EXPECT_EQ(
      error_of(compile_json_schema(std::string_view(R"({"type":"number","maximum":1e300})"))).code,
      Code::kUnsupported);
}

TEST(ConstraintNumbers, WithoutBoundsAnyNumberOfBoundedLength) {
  auto number = schema_machine(R"({"type":"number"})");
  for (const char* text : {"0", "-0", "-0.5", "12.50e-7", "1E+10", "123456789012345678"}) {
    EXPECT_TRUE(accepts(number, text)) << text;
  }
  for (const char* text : {"1.", ".5", "01", "1e", "1e100", "1234567890123456789", "NaN"}) {
    EXPECT_FALSE(accepts(number, text)) << text;
  }
}

}  // namespace
}  // namespace cupel::decode::constraint
