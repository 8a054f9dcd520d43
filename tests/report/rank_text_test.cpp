#include "report/rank_text.h"

#include <limits>

#include <gtest/gtest.h>

#include "report/text_width.h"

namespace cupel::report {
namespace {

const Terminal kUnicodeTerminal{.unicode = true};

// Eleven columns from 0 to 10: a value stands in the column of its number.
constexpr WhiskerScale kScale{.low = 0, .high = 10, .columns = 11};

TEST(WhiskerText, PutsEndsAndMarkIntoTheirColumns) {
  EXPECT_EQ(whisker_text({4, Interval{2, 7}}, kScale, kUnicodeTerminal), "  ├─●──┤   ");
  EXPECT_EQ(whisker_text({4, Interval{2, 7}}, kScale, {}), "  |-o--|   ");
}

TEST(WhiskerText, ShowsThatAnEndLiesBeyondTheScale) {
  EXPECT_EQ(whisker_text({1, Interval{-3, 3}}, kScale, {}), "<o-|       ");
  EXPECT_EQ(whisker_text({9, Interval{7, 30}}, kScale, kUnicodeTerminal), "       ├─●▸");
}

TEST(WhiskerText, DrawsTheMarkAloneWithoutAnInterval) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(whisker_text({10}, kScale, {}), "          o");
  EXPECT_EQ(whisker_text({0, Interval{nan, 1}}, kScale, {}), "o          ");
  EXPECT_EQ(whisker_text({nan, Interval{1, 2}}, kScale, {}), "           ");
}

TEST(WhiskerText, HasTheSameWidthForEveryInput) {
  for (const double value : {-1e300, -5.0, 0.0, 3.3, 9.99, 10.0, 1e300}) {
    for (const double half : {0.0, 0.1, 4.0, 1e12}) {
      const Estimate estimate{value, Interval{value - half, value + half}};
      EXPECT_EQ(display_width(whisker_text(estimate, kScale, kUnicodeTerminal)), 11U) << value;
    }
  }
}

}  // namespace
}  // namespace cupel::report
