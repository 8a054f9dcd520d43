#include "report/rate.h"

#include <gtest/gtest.h>

namespace cupel::report {
namespace {

TEST(RateMeter, KnowsNothingBeforeTheFirstLump) {
  const RateMeter meter(5);
  EXPECT_EQ(meter.per_second(), 0);
  EXPECT_FALSE(meter.eta_s(100, 10).has_value());
}

TEST(RateMeter, IsExactForASteadyStream) {
  RateMeter meter(0);
  for (int i = 1; i <= 50; ++i) {
    meter.advance(2.0 * i, 3);  // 3 every 2 s
    EXPECT_NEAR(meter.per_second(), 1.5, 1e-9);
  }
  EXPECT_NEAR(meter.eta_s(100, 30).value_or(0), 20, 1e-9);
}

TEST(RateMeter, ForgetsByHalfLife) {
  // 1/s for long, then 3/s for one half-life: both halves weigh the same.
  RateMeter meter(0, 10);
  for (int t = 1; t <= 1000; ++t) {
    meter.advance(t, 1);
  }
  for (int t = 1001; t <= 1010; ++t) {
    meter.advance(t, 3);
  }
  EXPECT_NEAR(meter.per_second(), 2.0, 1e-9);
}

TEST(RateMeter, CountsDownBetweenLumpsButNotBelowWhatIsLeft) {
  RateMeter meter(0);
  meter.advance(10, 1);  // 0.1/s
  EXPECT_NEAR(meter.eta_s(10, 5).value_or(0), 50, 1e-9);
  EXPECT_NEAR(meter.eta_s(14, 5).value_or(0), 46, 1e-9);
  EXPECT_NEAR(meter.eta_s(500, 5).value_or(0), 40, 1e-9);  // four more lumps at least
}

TEST(RateMeter, TakesLumpsOfOneMoment) {
  RateMeter meter(0);
  meter.advance(4, 1);
  meter.advance(4, 1);
  EXPECT_GT(meter.per_second(), 0.25);
  meter.advance(3, 1);  // a clock that stands still must not break it
  EXPECT_GT(meter.per_second(), 0);
}

}  // namespace
}  // namespace cupel::report
