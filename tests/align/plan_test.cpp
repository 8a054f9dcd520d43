#include "align/tune/plan.h"

#include <gtest/gtest.h>

namespace cupel::align {
namespace {

TEST(CheckMemory, RefusesByNumberWhatDoesNotFit) {
  MemoryPlan plan{.parts = {{"weights", int64_t{3} << 30U}, {"optimiser", int64_t{6} << 30U}},
                  .available = int64_t{8} << 30U};
  EXPECT_EQ(plan.total(), int64_t{9} << 30U);
  const auto refused = check_memory(plan);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_TRUE(refused.error().message.starts_with(
      "the run takes about 9216 MiB, and 8192 MiB are free; set batch.micro = 1, lower"))
      << refused.error().message;
  plan.available = int64_t{10} << 30U;
  EXPECT_TRUE(check_memory(plan).has_value());
  plan.available = 0;  // unknown
  EXPECT_TRUE(check_memory(plan).has_value());
}

}  // namespace
}  // namespace cupel::align
