#include "base/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MachineTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::string file = root_.file(path);
    ASSERT_TRUE(make_directories(file.substr(0, file.rfind('/'))).has_value());
    ASSERT_TRUE(write_file_atomic(file, text).has_value());
  }
  void cache(int cpu,
             int index,
             const std::string& level,
             const std::string& type,
             const std::string& size,
             const std::string& sharers) {
    const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" +
                               std::to_string(index) + "/";
    write(folder + "level", level + "\n");
    write(folder + "type", type + "\n");
    write(folder + "size", size + "\n");
    write(folder + "shared_cpu_list", sharers + "\n");
  }
  void siblings(int cpu, const std::string& list) {
    write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
          list + "\n");
  }
  test::TemporaryFolder root_;
};

TEST_F(MachineTest, IsReadFromProcAndSys) {
  write("proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nflags\t\t: fpu avx2 amx_int8 avx512f\n\n"
        "processor\t: 1\nmodel name\t: Other\n");
  write("proc/meminfo", "MemTotal:       2048 kB\nMemAvailable:   1024 kB\n");
  for (const int cpu : {0, 1, 2}) {
    cache(cpu, 0, "1", "Data", "32K", std::to_string(cpu));
    cache(cpu, 1, "3", "Unified", "32768K", cpu < 2 ? "0-1" : "2-3");
    siblings(cpu, cpu < 2 ? "0-1" : "2-3");
  }
  const std::vector<int> cpus = {0, 1, 2};
  const Machine machine = describe_machine(cpus, root_.path());
  EXPECT_EQ(machine.cpu, "Some CPU @ 3 GHz");
  EXPECT_THAT(machine.flags, ElementsAre("avx2", "avx512f", "amx_int8"));
  EXPECT_EQ(machine.cpus, 3U);
  EXPECT_EQ(machine.cores, 2U);
  EXPECT_EQ(machine.last_level_cache_bytes, 2 * (int64_t{32} << 20U)) << "two caches of level 3";
  EXPECT_EQ(machine.memory_bytes, 2 << 20);
  EXPECT_EQ(available_memory_bytes(root_.path()), 1 << 20);
}

TEST_F(MachineTest, SaysUnknownWhereTheSystemIsSilent) {
  const std::vector<int> cpus = {0, 1};
  const Machine machine = describe_machine(cpus, root_.path());
  EXPECT_EQ(machine.cpu, "unknown");
  EXPECT_THAT(machine.flags, IsEmpty());
  EXPECT_EQ(machine.cores, 2U);
  EXPECT_EQ(machine.last_level_cache_bytes, 0);
  EXPECT_EQ(available_memory_bytes(root_.path()), 0);
}

TEST_F(MachineTest, AControlGroupLimitsTheMemory) {
  write("proc/meminfo", "MemAvailable:   1024 kB\n");
  write("sys/fs/cgroup/memory.max", "max\n");
  write("sys/fs/cgroup/memory.current", "4096\n");
  EXPECT_EQ(available_memory_bytes(root_.path()), 1 << 20);
  write("sys/fs/cgroup/memory.max", "10240\n");
  EXPECT_EQ(available_memory_bytes(root_.path()), 10240 - 4096);
}

TEST(UsableCpus, AreAtLeastOne) {
  EXPECT_FALSE(usable_cpus().empty());
}

}  // namespace
}  // namespace cupel
