#include "train/parallel/sharding.h"

#include <numeric>

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

std::vector<int64_t> loads_of(std::span<const int64_t> sizes, int64_t ranks) {
  std::vector<int64_t> loads(static_cast<size_t>(ranks), 0);
  const std::vector<int64_t> owner = owners(sizes, ranks);
  for (size_t i = 0; i < sizes.size(); ++i) {
    loads[static_cast<size_t>(owner[i])] += sizes[i];
  }
  return loads;
}

TEST(Owners, LargestFirstToTheLeastLoaded) {
  // 7 → 0, 5 → 1, 4 → 1 (5 < 7), 3 → 0 (7 < 9), 1 → 1 (9 < 10).
  const std::vector<int64_t> sizes = {4, 7, 1, 5, 3};
  EXPECT_THAT(owners(sizes, 2), ElementsAre(1, 0, 1, 1, 0));
  EXPECT_THAT(loads_of(sizes, 2), ElementsAre(10, 10));
}

TEST(Owners, EqualsGoInOrder) {
  EXPECT_THAT(owners(std::vector<int64_t>{2, 2, 2, 2}, 3), ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(owners(std::vector<int64_t>{}, 3), ElementsAre());
  EXPECT_THAT(owners(std::vector<int64_t>{5, 9}, 1), Each(0));
}

TEST(Owners, ATransformerIsSharedEvenly) {
  std::vector<int64_t> sizes = {49152 * 576};
  for (int layer = 0; layer < 30; ++layer) {
    sizes.insert(sizes.end(), {576 * 576, 192 * 576, 192 * 576, 576 * 576, 1536 * 576, 1536 * 576,
                               1536 * 576, 576, 576});
  }
  const int64_t all = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  for (const int64_t ranks : {2, 3, 4}) {
    for (const int64_t load : loads_of(sizes, ranks)) {
      EXPECT_NEAR(static_cast<double>(load * ranks) / static_cast<double>(all), 1, 0.01) << ranks;
    }
  }
}

const bool shared = add_body("shared", [](const ParallelOptions& options) {
  const auto group = connect(options);
  ASSERT_TRUE(group.has_value()) << group.error().message;
  std::vector<at::Tensor> parameters;
  std::vector<int64_t> owner;
  const auto add_parameter = [&](const at::Tensor& tensor) {
    owner.push_back(static_cast<int64_t>(parameters.size()) % options.size);
    parameters.push_back(tensor + static_cast<double>(options.rank));
  };
  for (int i = 0; i < 5; ++i) {
    add_parameter(at::zeros({3, 4}, at::kFloat));
    add_parameter(at::zeros({5}, at::kBFloat16));
  }
  add_parameter(at::zeros({kLarge}, at::kFloat));
  add_parameter(at::zeros({4, 6}, at::kFloat));
  parameters.back() = parameters.back().t();  // not contiguous
  for (at::Tensor& parameter : parameters) {
    parameter.set_requires_grad(true);
  }
  const auto done = share_parameters(**group, parameters, owner, "the new parameters");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_TRUE(
        parameters[i].detach().equal(at::full_like(parameters[i], static_cast<double>(owner[i]))))
        << i;
  }
  tell(options, "done");
});

TEST(ShareParameters, EveryProcessHasThoseOfTheOwners) {
  Processes processes("shared", 3);
  EXPECT_THAT(processes.start_all().wait(120), Each(0));
  EXPECT_EQ(processes.told(2), "done");
}

}  // namespace
}  // namespace cupel::train
