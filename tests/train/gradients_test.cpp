#include "train/parallel/gradients.h"

#include <functional>

#include <gmock/gmock.h>

#include "train/parallel/buckets.h"
#include "train/process_group.h"

namespace cupel::train {
namespace {

using test::add_body;
using test::Processes;
using test::tell;
using ::testing::Each;
using ::testing::ElementsAre;

constexpr int64_t kLarge = kBucketBytes / 4 + 5;  // of f32: a bucket and a little

/// Tensors that a step has to do with, each of other numbers on each rank but whole ones, so that
/// all sums are exact.
struct Step {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> sums;  // what `sum_gradients` must make of them; undefined: nothing
};

at::Tensor pattern(const at::Tensor& parameter, double factor, at::ScalarType type) {
  const at::Tensor numbers = at::arange(parameter.numel(), at::kFloat).remainder(11) * factor;
  return numbers.view(parameter.sizes()).to(type);
}

/// `has`: which ranks have the gradient.
void add(Step& step,
         at::IntArrayRef shape,
         at::ScalarType type,
         const std::function<bool(int64_t)>& has,
         int64_t rank,
         int64_t ranks) {
  const at::Tensor parameter = at::zeros(shape, type);
  double factors = 0;
  for (int64_t one = 0; one < ranks; ++one) {
    factors += has(one) ? static_cast<double>(one + 1) : 0;
  }
  step.parameters.push_back(parameter);
  step.gradients.push_back(has(rank) ? pattern(parameter, static_cast<double>(rank + 1), type)
                                     : at::Tensor());
  const at::ScalarType sum = type == at::kDouble ? at::kDouble : at::kFloat;
  step.sums.push_back(factors > 0 ? pattern(parameter, factors, sum) : at::Tensor());
}

Step make_step(int64_t rank, int64_t ranks) {
  const auto all = [](int64_t) { return true; };
  const auto none = [](int64_t) { return false; };
  const auto last = [ranks](int64_t one) { return one == ranks - 1; };
  Step step;
  add(step, {3, 5}, at::kFloat, all, rank, ranks);
  add(step, {7}, at::kFloat, none, rank, ranks);
  add(step, {4, 2}, at::kBFloat16, all, rank, ranks);
  add(step, {6}, at::kFloat, last, rank, ranks);
  add(step, {kLarge}, at::kFloat, all, rank, ranks);
  add(step, {kLarge}, at::kFloat, last, rank, ranks);
  add(step, {}, at::kFloat, all, rank, ranks);
  add(step, {2, 2}, at::kDouble, all, rank, ranks);
  add(step, {3}, at::kDouble, last, rank, ranks);
  add(step, {0, 4}, at::kFloat, all, rank, ranks);
  add(step, {9}, at::kBFloat16, last, rank, ranks);
  return step;
}

const bool summed = add_body("gradients", [](const ParallelOptions& options) {
  const auto group = connect(options);
  ASSERT_TRUE(group.has_value()) << group.error().message;
  Step step = make_step(options.rank, options.size);
  const at::Tensor first = step.gradients[0];
  const auto done = sum_gradients(**group, step.gradients, step.parameters, "a step");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_TRUE(step.gradients[0].is_same(first)) << "an f32 gradient is written in place";
  for (size_t i = 0; i < step.sums.size(); ++i) {
    ASSERT_EQ(step.gradients[i].defined(), step.sums[i].defined()) << i;
    if (step.sums[i].defined()) {
      EXPECT_EQ(step.gradients[i].scalar_type(), step.sums[i].scalar_type()) << i;
      EXPECT_TRUE(step.gradients[i].equal(step.sums[i])) << i;
    }
  }
  tell(options, "done");
});

TEST(SumGradients, ExactOnTwoProcesses) {
  Processes processes("gradients", 2);
  EXPECT_THAT(processes.start_all().wait(120), Each(0));
  EXPECT_EQ(processes.told(1), "done");
}
TEST(SumGradients, ExactOnFourProcesses) {
  Processes processes("gradients", 4);
  EXPECT_THAT(processes.start_all().wait(120), Each(0));
  EXPECT_EQ(processes.told(3), "done");
}

TEST(SumGradients, OneProcessChangesNothing) {
  const auto alone = single_process();
  Step step = make_step(0, 1);
  const std::vector<at::Tensor> before = step.gradients;
  ASSERT_TRUE(sum_gradients(*alone, step.gradients, step.parameters, "a step").has_value());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(step.gradients[i].is_same(before[i])) << i;
  }
}

TEST(PlanBuckets, FillsThemInOrder) {
  const int64_t room = kBucketBytes / 4;
  const std::vector<BucketItem> items = {{.index = 0, .elements = room - 1},
                                         {.index = 1, .elements = 1},
                                         {.index = 2, .elements = 1},
                                         {.index = 3, .elements = 3 * room},
                                         {.index = 4, .elements = 0},
                                         {.index = 5, .elements = 2},
                                         {.index = 6, .elements = 2, .type = at::kDouble}};
  std::vector<std::vector<size_t>> indices;
  for (const Bucket& bucket : plan_buckets(items)) {
    indices.push_back(bucket.indices);
  }
  EXPECT_THAT(indices, ElementsAre(ElementsAre(0, 1), ElementsAre(2), ElementsAre(3),
                                   ElementsAre(5), ElementsAre(6)));
}

TEST(PlanBuckets, SlicesCoverATensor) {
  const at::Tensor tensor = at::arange(kLarge, at::kFloat);
  const std::vector<at::Tensor> slices = slices_of(tensor);
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0].nbytes(), static_cast<size_t>(kBucketBytes));
  EXPECT_TRUE(at::cat(slices).equal(tensor));
  EXPECT_TRUE(slices[1].is_alias_of(tensor));
}

}  // namespace
}  // namespace cupel::train
