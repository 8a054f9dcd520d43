// Proves: system 5
// Proves: system 63
// Router and grouping of experts, against worked numbers.
#include <cmath>

#include <gtest/gtest.h>

#include "engine/runtime/experts.h"

namespace cupel::engine {
namespace {

// Worked numbers: the router's logits (2, 1, 0, -1), two experts.
TEST(ChooseExperts, SoftmaxOverAllOrOverTheChosen) {
  const std::vector<float> logits = {2, 1, 0, -1};
  std::vector<ExpertChoice> choices(2);
  ExpertsDescription experts{.count = 4, .used = 2};
  choose_experts(logits, experts, choices);
  EXPECT_EQ(choices[0].expert, 0);
  EXPECT_EQ(choices[1].expert, 1);
  EXPECT_NEAR(choices[0].weight, .64391426, 1e-7);
  EXPECT_NEAR(choices[1].weight, .23688282, 1e-7);
  experts.renormalise = true;
  choose_experts(logits, experts, choices);
  EXPECT_NEAR(choices[0].weight, .73105858, 1e-7);
  EXPECT_NEAR(choices[1].weight, .26894142, 1e-7);
}

TEST(ChooseExperts, EqualLogitsTakeTheLowerIndex) {
  const std::vector<float> logits = {1, 3, 3, 3};
  std::vector<ExpertChoice> choices(3);
  choose_experts(logits, {.count = 4, .used = 3, .renormalise = true}, choices);
  EXPECT_EQ(choices[0].expert, 1);
  EXPECT_EQ(choices[1].expert, 2);
  EXPECT_EQ(choices[2].expert, 3);
  EXPECT_NEAR(choices[2].weight, 1.0 / 3, 1e-7);
}

// Within 2 · 0.01 of the largest, relative to the larger magnitude: 2.0 and 1.98 are near each
// other, 1.0 is not. First: e^0 / (e^0 + e^-0.02); second, without the first: alone.
TEST(ChooseExperts, SparseMixerWeighsByWhatIsNear) {
  const std::vector<float> logits = {1.0F, 2.0F, 1.98F, -3.0F};
  std::vector<ExpertChoice> choices(2);
  choose_experts(logits, {.count = 4, .used = 2, .router = RouterKind::kSparseMixer, .near = 0.01},
                 choices);
  EXPECT_EQ(choices[0].expert, 1);
  EXPECT_EQ(choices[1].expert, 2);
  EXPECT_NEAR(choices[0].weight, 1 / (1 + std::exp(-0.02)), 1e-6);
  EXPECT_NEAR(choices[1].weight, 1, 1e-6);
}

TEST(ChooseExperts, NaNLogitsStayInRange) {
  const std::vector<float> logits(4, std::nanf(""));
  std::vector<ExpertChoice> choices(2);
  for (const RouterKind router : {RouterKind::kSoftmax, RouterKind::kSparseMixer}) {
    choose_experts(logits, {.count = 4, .used = 2, .router = router, .near = 0.01}, choices);
    for (const ExpertChoice& choice : choices) {
      EXPECT_GE(choice.expert, 0);
      EXPECT_LT(choice.expert, 4);
      EXPECT_TRUE(std::isnan(choice.weight));
    }
  }
}

TEST(ExpertRows, GroupsRowsInOrder) {
  ExpertRows rows;
  const std::vector<ExpertChoice> choices = {{2, .5F}, {0, .25F}, {2, 1}, {1, 2}};
  rows.group(choices, 2, 4);
  ASSERT_EQ(rows.of(0).size(), 1U);
  EXPECT_EQ(rows.of(0)[0].row, 0);
  EXPECT_EQ(rows.of(1)[0].row, 1);
  ASSERT_EQ(rows.of(2).size(), 2U);
  EXPECT_EQ(rows.of(2)[0].row, 0);
  EXPECT_EQ(rows.of(2)[0].weight, .5F);
  EXPECT_EQ(rows.of(2)[1].row, 1);
  EXPECT_TRUE(rows.of(3).empty());
}

}  // namespace
}  // namespace cupel::engine
