// Worked values by hand from the formulas in schedule.h; those of transformers 4 (get_*_schedule)
// are the same formulas.
#include "train/schedule/schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cupel::train {
namespace {

Schedule make(const ScheduleOptions& options) {
  auto schedule = Schedule::create(options);
  EXPECT_TRUE(schedule.has_value()) << (schedule ? "" : schedule.error().message);
  return std::move(schedule).value();
}

TEST(Schedule, CosineReachesItsWorkedValues) {
  const Schedule s = make({.kind = ScheduleKind::kCosine,
                           .lr = 1e-3,
                           .min_lr = 1e-4,
                           .total_steps = 100,
                           .warmup_steps = 10});
  EXPECT_DOUBLE_EQ(s.lr(0), 0);
  EXPECT_DOUBLE_EQ(s.lr(5), 5e-4);
  EXPECT_DOUBLE_EQ(s.lr(10), 1e-3);
  EXPECT_NEAR(s.lr(55), 5.5e-4, 1e-18);
  EXPECT_NEAR(s.lr(100), 1e-4, 1e-18);
  EXPECT_DOUBLE_EQ(s.lr(1000), s.lr(100));
}

TEST(Schedule, WarmupStableDecayReachesItsWorkedValues) {
  // Decay begins at step 80: step 85 is x = 1/4, step 90 is x = 1/2.
  struct Case {
    DecayShape shape;
    double at_85;
    double at_90;
  };
  const Case cases[] = {{DecayShape::kLinear, 7.5e-4, 5e-4},
                        {DecayShape::kOneMinusSqrt, 5e-4, 2.92893e-4},
                        {DecayShape::kCosine, 8.535534e-4, 5e-4}};
  for (const Case& c : cases) {
    const Schedule s = make({.kind = ScheduleKind::kWsd,
                             .lr = 1e-3,
                             .total_steps = 100,
                             .warmup_steps = 10,
                             .decay_steps = 20,
                             .decay_shape = c.shape});
    EXPECT_DOUBLE_EQ(s.lr(5), 5e-4);
    EXPECT_DOUBLE_EQ(s.lr(79), 1e-3);
    EXPECT_DOUBLE_EQ(s.lr(80), 1e-3);
    EXPECT_NEAR(s.lr(85), c.at_85, 5e-10);
    EXPECT_NEAR(s.lr(90), c.at_90, 5e-10);
    EXPECT_NEAR(s.lr(100), 0, 1e-18);
  }
}

TEST(Schedule, LinearAndPolynomialFollowTheirFormulas) {
  ScheduleOptions options{
      .kind = ScheduleKind::kLinear, .lr = 2, .total_steps = 10, .warmup_steps = 2};
  EXPECT_DOUBLE_EQ(make(options).lr(1), 1);
  EXPECT_DOUBLE_EQ(make(options).lr(6), 1);  // 2 · (10 − 6)/(10 − 2)
  EXPECT_DOUBLE_EQ(make(options).lr(10), 0);
  options.kind = ScheduleKind::kPolynomial;
  options.power = 2;
  options.min_lr = 0.4;
  EXPECT_DOUBLE_EQ(make(options).lr(6), 0.4 + 1.6 * 0.25);
  EXPECT_DOUBLE_EQ(make(options).lr(11), 0.4);
}

TEST(Schedule, InverseSquareRootHalvesAtThreeTimescales) {
  // lr/√((k − w)/s + 1): with k − w = 3s it is lr/2. The warm-up is the timescale when there is
  // one.
  const Schedule s = make({.kind = ScheduleKind::kInverseSqrt, .lr = 1, .warmup_steps = 100});
  EXPECT_DOUBLE_EQ(s.lr(50), 0.5);
  EXPECT_DOUBLE_EQ(s.lr(100), 1);
  EXPECT_DOUBLE_EQ(s.lr(400), 0.5);
  const Schedule plain = make({.kind = ScheduleKind::kInverseSqrt, .lr = 1});
  EXPECT_DOUBLE_EQ(plain.lr(0), 1);
  EXPECT_DOUBLE_EQ(plain.lr(30'000), 0.5);
}

TEST(Schedule, ConstantKeepsItsPeakAfterTheWarmup) {
  const Schedule s = make({.kind = ScheduleKind::kConstant, .lr = 3, .warmup_steps = 3});
  EXPECT_DOUBLE_EQ(s.lr(0), 0);
  EXPECT_DOUBLE_EQ(s.lr(2), 2);
  EXPECT_DOUBLE_EQ(s.lr(3), 3);
  EXPECT_DOUBLE_EQ(s.lr(1'000'000), 3);
}

TEST(Schedule, PhasesRunOneAfterAnother) {
  const Schedule s = make({.kind = ScheduleKind::kPhases,
                           .lr = 1,
                           .warmup_steps = 2,
                           .phases = {{.steps = 4, .lr = 0.5, .shape = DecayShape::kLinear},
                                      {.steps = 2, .lr = 0.5, .shape = DecayShape::kConstant},
                                      {.steps = 2, .lr = 0, .shape = DecayShape::kCosine}}});
  EXPECT_DOUBLE_EQ(s.lr(1), 0.5);
  EXPECT_DOUBLE_EQ(s.lr(2), 1);
  EXPECT_DOUBLE_EQ(s.lr(4), 0.75);
  EXPECT_DOUBLE_EQ(s.lr(6), 0.5);
  EXPECT_DOUBLE_EQ(s.lr(8), 0.5);
  EXPECT_DOUBLE_EQ(s.lr(9), 0.25);
  EXPECT_DOUBLE_EQ(s.lr(10), 0);
  EXPECT_DOUBLE_EQ(s.lr(99), 0);
}

TEST(Schedule, RatiosAreRoundedUp) {
  const Schedule s = make({.kind = ScheduleKind::kWsd,
                           .lr = 1,
                           .total_steps = 101,
                           .warmup_ratio = 0.03,
                           .decay_ratio = 0.1});
  EXPECT_EQ(s.warmup_steps(), 4);  // 3.03
  EXPECT_EQ(s.decay_steps(), 11);  // 10.1
}

TEST(Schedule, EveryKindStaysBetweenZeroAndItsPeak) {
  for (size_t kind = 0; kind < schedule_kind_names().size(); ++kind) {
    const auto parsed = parse_schedule_kind(schedule_kind_names()[kind]);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(static_cast<size_t>(*parsed), kind);
    for (const int64_t warmup : {0, 1, 7}) {
      const Schedule s = make({.kind = *parsed,
                               .lr = 1,
                               .min_lr = 0.1,
                               .total_steps = 20,
                               .warmup_steps = warmup,
                               .phases = {{.steps = 3, .lr = 0.2}}});
      for (int64_t k = 0; k < 30; ++k) {
        EXPECT_GE(s.lr(k), 0);
        EXPECT_LE(s.lr(k), 1);
        EXPECT_EQ(s.lr(k), s.lr(k)) << "no state";
      }
    }
  }
}

TEST(Schedule, RefusesWhatMakesNoSense) {
  const auto message = [](const ScheduleOptions& options) {
    const auto schedule = Schedule::create(options);
    EXPECT_FALSE(schedule.has_value());
    EXPECT_TRUE(schedule || schedule.error().code == Code::kInvalidArgument);
    return schedule ? std::string() : schedule.error().message;
  };
  EXPECT_NE(message({.lr = -1, .total_steps = 10}).find("lr is -1"), std::string::npos);
  EXPECT_NE(message({.lr = std::nan(""), .total_steps = 10}).find("lr is"), std::string::npos);
  EXPECT_NE(message({.lr = 1, .min_lr = 2, .total_steps = 10}).find("min_lr"), std::string::npos);
  EXPECT_NE(message({.lr = 1}).find("total_steps"), std::string::npos);
  EXPECT_NE(message({.lr = 1, .total_steps = 10, .warmup_steps = 11}).find("do not fit"),
            std::string::npos);
  EXPECT_NE(message({.kind = ScheduleKind::kWsd,
                     .lr = 1,
                     .total_steps = 10,
                     .warmup_steps = 5,
                     .decay_steps = 6})
                .find("do not fit"),
            std::string::npos);
  EXPECT_NE(message({.kind = ScheduleKind::kPhases, .lr = 1}).find("phase"), std::string::npos);
  EXPECT_NE(message({.lr = 1, .total_steps = 10, .warmup_ratio = 1.5}).find("warmup_ratio"),
            std::string::npos);
  const auto unknown = parse_schedule_kind("cosin");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("did you mean \"cosine\"?"), std::string::npos);
}

TEST(LayerLrScale, FallsTowardsTheEmbedding) {
  // Two blocks: embedding, block 0, block 1, head.
  EXPECT_DOUBLE_EQ(layer_lr_scale(0.5, 0, 2), 0.125);
  EXPECT_DOUBLE_EQ(layer_lr_scale(0.5, 1, 2), 0.25);
  EXPECT_DOUBLE_EQ(layer_lr_scale(0.5, 2, 2), 0.5);
  EXPECT_DOUBLE_EQ(layer_lr_scale(0.5, 3, 2), 1);
}

TEST(AdaptiveLr, GrowsWithTheRootOfTheTokens) {
  EXPECT_DOUBLE_EQ(adaptive_lr(1e-3, 400, 1600), 5e-4);
  EXPECT_DOUBLE_EQ(adaptive_lr(1e-3, 1600, 1600), 1e-3);
  EXPECT_DOUBLE_EQ(adaptive_lr(1e-3, 0, 1600), 0);
}

}  // namespace
}  // namespace cupel::train
