#include "report/numbers.h"

#include <limits>

#include <gtest/gtest.h>

namespace cupel::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(FixedText, HasNoNegativeZeroAndNoNan) {
  EXPECT_EQ(fixed_text(0.6144, 3), "0.614");
  EXPECT_EQ(fixed_text(-0.0004, 3), "0.000");
  EXPECT_EQ(fixed_text(-1.5, 1), "-1.5");
  EXPECT_EQ(fixed_text(kNan, 2), "-");
}

TEST(ShortText, CutsTrailingZeros) {
  EXPECT_EQ(short_text(12.50), "12.5");
  EXPECT_EQ(short_text(3.0), "3");
  EXPECT_EQ(short_text(100), "100");
  EXPECT_EQ(short_text(-0.001), "0");
}

TEST(SignedText, UsesATypographicMinus) {
  EXPECT_EQ(signed_text(-0.25, 2), "−0.25");
  EXPECT_EQ(signed_text(0.25, 2, true), "+0.25");
  EXPECT_EQ(signed_text(0.001, 2, true), "0.00");
  EXPECT_EQ(signed_text(kNan, 2, true), "–");
}

TEST(TypographicText, TurnsHyphensBeforeNumbersIntoMinusSigns) {
  EXPECT_EQ(typographic_text("-"), "–");
  EXPECT_EQ(typographic_text("-1.5"), "−1.5");
  EXPECT_EQ(typographic_text("gpt-4: +0.1 (-0.2 to -0.1)"), "gpt-4: +0.1 (−0.2 to −0.1)");
  EXPECT_EQ(typographic_text("a - b, --max-cost, é-"), "a - b, --max-cost, é-");
}

TEST(BriefText, HasFourDigitsThatCountAndNoNeedlessExponent) {
  EXPECT_EQ(brief_text(0.693147), "0.6931");
  EXPECT_EQ(brief_text(-42.5), "-42.5");
  EXPECT_EQ(brief_text(9999.4), "9999");
  EXPECT_EQ(brief_text(9999.6), "10000");
  EXPECT_EQ(brief_text(-67014.2), "-67014");
  EXPECT_EQ(brief_text(2.5e-6), "2.5e-06");
  EXPECT_EQ(brief_text(1e15), "1e+15");
  EXPECT_EQ(brief_text(kNan), "-");
}

TEST(CountText, GroupsThousands) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
  EXPECT_EQ(count_text(1, "row"), "1 row");
  EXPECT_EQ(count_text(1234, "row"), "1,234 rows");
  EXPECT_EQ(count_text(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(PercentText, IsExactOnlyAtTheEnds) {
  EXPECT_EQ(percent_text(0), "0%");
  EXPECT_EQ(percent_text(1), "100%");
  EXPECT_EQ(percent_text(0.0001), "<0.1%");
  EXPECT_EQ(percent_text(0.9999), ">99.9%");
  EXPECT_EQ(percent_text(0.034), "3.4%");
  EXPECT_EQ(percent_text(0.5), "50%");
  EXPECT_EQ(percent_text(kNan), "-");
}

TEST(MoneyText, NeverShowsSomethingAsNothing) {
  EXPECT_EQ(money_text(0), "0.00");
  EXPECT_EQ(money_text(1234.567), "1234.57");
  EXPECT_EQ(money_text(12.345), "12.35");
  EXPECT_EQ(money_text(1.5), "1.50");
  EXPECT_EQ(money_text(0.185), "0.185");
  EXPECT_EQ(money_text(0.0123), "0.0123");
  EXPECT_EQ(money_text(0.0000212), "0.0000212");
  EXPECT_EQ(money_text(2.5e-20), "2.50e-20");
  EXPECT_EQ(money_text(kNan), "-");
}

TEST(DurationText, ChangesUnitsInTime) {
  EXPECT_EQ(duration_text(0.417), "0.42 s");
  EXPECT_EQ(duration_text(12.34), "12.3 s");
  EXPECT_EQ(duration_text(59.96), "1 min 00 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(7620), "2 h 07 min");
  EXPECT_EQ(duration_text(-1), "-");
  EXPECT_NE(duration_text(1e300), "");
}

TEST(ShareOf, IsNothingOfAnEmptyWhole) {
  EXPECT_FALSE(share_of(0, 0).has_value());
  EXPECT_DOUBLE_EQ(share_of(1, 4).value_or(0), 0.25);
}

}  // namespace
}  // namespace cupel::report
