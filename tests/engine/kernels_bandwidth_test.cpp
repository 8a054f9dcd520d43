#include <gtest/gtest.h>

#include "engine/kernels/bandwidth.h"

namespace cupel::engine {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20U;

TEST(BandwidthBuffer, IsSeveralTimesTheCache) {
  EXPECT_EQ(bandwidth_buffer_bytes(96 * kMiB, 100000 * kMiB), 384U << 20U);
  EXPECT_EQ(bandwidth_buffer_bytes(32 * kMiB, 100000 * kMiB), 256U << 20U) << "at least";
  EXPECT_EQ(bandwidth_buffer_bytes(0, 100000 * kMiB), 256U << 20U) << "no cache is known";
}

TEST(BandwidthBuffer, LeavesMemoryForOthers) {
  EXPECT_EQ(bandwidth_buffer_bytes(512 * kMiB, 1024 * kMiB), 256U << 20U);
  EXPECT_EQ(bandwidth_buffer_bytes(512 * kMiB, 0), 256U << 20U) << "nothing is known";
  EXPECT_EQ(bandwidth_buffer_bytes(512 * kMiB, 1), 2U << 20U);
}

TEST(BandwidthMeter, ReadsWithAnyNumberOfThreads) {
  for (const size_t threads : {1, 3}) {
    auto meter = BandwidthMeter::create(threads, 5U << 20U);
    ASSERT_TRUE(meter.has_value());
    EXPECT_EQ(meter->buffer_bytes(), 4U << 20U) << "whole chunks";
    EXPECT_GT(meter->pass(), 0);
    EXPECT_GT(meter->pass(), 0);
  }
}

TEST(BandwidthMeter, RefusesWhatThereIsNoMemoryFor) {
  const auto meter = BandwidthMeter::create(1, size_t{1} << 60U);
  ASSERT_FALSE(meter.has_value());
  EXPECT_EQ(meter.error().code, Code::kExhausted);
}

}  // namespace
}  // namespace cupel::engine
