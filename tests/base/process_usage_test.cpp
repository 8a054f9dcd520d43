#include "base/process_usage.h"

#include <cstring>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace cupel {
namespace {

constexpr std::string_view kStat =
    "cpu  300 0 100 1200 0 0 0 0 0 0\n"
    "cpu0 100 10 50 800 20 5 5 10 7 0\n"
    "cpu1 50 0 0 50 0 0 0 0 0 0\n"
    "cpu10 1000 0 0 0 0 0 0 0 0 0\n"
    "intr 1 2 3\n"
    "cpu2 broken\n";

TEST(CpuTime, SumsTheCpusAskedFor) {
  const std::vector<int> first = {0};
  const CpuTime time = cpu_time(kStat, first, 100);
  // Idle and waiting are not busy; what is given to guests is part of user time already.
  EXPECT_DOUBLE_EQ(time.all, 10.0);
  EXPECT_DOUBLE_EQ(time.busy, 1.8);
  const std::vector<int> both = {0, 1, 2, 99};
  EXPECT_DOUBLE_EQ(cpu_time(kStat, both, 100).all, 11.0);
  EXPECT_DOUBLE_EQ(cpu_time(kStat, {}, 100).all, 21.0) << "all three, not their sum once more";
  EXPECT_EQ(cpu_time("", both, 100).all, 0);
}

TEST(OthersWatch, IsAShare) {
  const OthersWatch watch;
  EXPECT_GE(watch.share(), 0);
  EXPECT_LE(watch.share(), 1);
}

TEST(CpuSeconds, OfTheProcessAndOfOneThread) {
  constexpr double kWork = 0.02;  // seconds of the processor, of another thread
  const double process = process_cpu_seconds();
  const double own = thread_cpu_seconds();
  double other = 0;
  std::thread([&other] {
    while (other < kWork) {
      other = thread_cpu_seconds();
    }
  }).join();
  EXPECT_GE(other, kWork);
  EXPECT_GE(process_cpu_seconds() - process, kWork);
  EXPECT_GE(thread_cpu_seconds(), own);
  EXPECT_LT(thread_cpu_seconds() - own, kWork);
}

TEST(PeakResident, SeesMemoryThatWasGivenBack) {
  constexpr size_t kBytes = size_t{64} << 20U;
  if (!reset_peak_resident()) {
    GTEST_SKIP() << "the system keeps the peak: that it begins anew is not shown";
  }
  const auto before = peak_resident_bytes();
  ASSERT_TRUE(before.has_value());
  // Not from the heap, which may keep what it is given back.
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  EXPECT_EQ(static_cast<const char*>(memory)[kBytes / 2], 1);
  ASSERT_EQ(munmap(memory, kBytes), 0);
  EXPECT_GE(*peak_resident_bytes(), *before + static_cast<int64_t>(kBytes) * 9 / 10);
  ASSERT_TRUE(reset_peak_resident());
  EXPECT_LT(*peak_resident_bytes(), *before + static_cast<int64_t>(kBytes) / 2);
}

}  // namespace
}  // namespace cupel
