#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cupel {

/// The CPUs that this process may run on (its affinity), ascending; all of them where the system
/// does not say.
std::vector<int> usable_cpus();

/// The machine as far as the speed of the engine depends on it.
struct Machine {
  std::string cpu = "unknown";     ///< model name
  std::vector<std::string> flags;  ///< instruction sets beyond the x86-64 baseline, in fixed order
  size_t cpus = 0;                 ///< of `usable_cpus`
  size_t cores = 0;                ///< physical ones among them; `cpus` where unknown
  /// Of the highest level, summed over the caches that the usable CPUs have; 0 where unknown.
  int64_t last_level_cache_bytes = 0;
  int64_t memory_bytes = 0;
};

/// Reads /proc and /sys. `root` is put before their paths, for tests.
Machine describe_machine(std::span<const int> cpus, const std::string& root = "");

/// Memory that could be taken without swapping: the system's estimate, or less where a control
/// group limits this process. 0 where unknown.
int64_t available_memory_bytes(const std::string& root = "");

}  // namespace cupel
