#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace cupel {

/// The most memory that this process has had resident since it began, or since the last
/// `reset_peak_resident`. Mapped files count as far as their pages were touched. Nothing where the
/// system does not say.
std::optional<int64_t> peak_resident_bytes();
/// Makes the peak begin anew at what is resident now. False where the system does not allow it.
bool reset_peak_resident();
/// Processor seconds of all threads of this process.
double process_cpu_seconds();
/// Processor seconds of the thread that asks.
double thread_cpu_seconds();

/// Time that CPUs have spent since the machine started.
struct CpuTime {
  double busy = 0;  ///< seconds, summed over the CPUs; what a hypervisor gave to others counts
  double all = 0;   ///< seconds, busy or not

  CpuTime operator-(const CpuTime& other) const { return {busy - other.busy, all - other.all}; }
};

/// Sums the lines "cpuN" of those CPUs, or of all where the list is empty, in the text of
/// /proc/stat, which counts in ticks.
CpuTime cpu_time(std::string_view proc_stat, std::span<const int> cpus, double ticks_per_second);

/// How much of the CPUs went to other programs since construction.
class OthersWatch {
 public:
  OthersWatch();
  /// A share of all the time of the CPUs that this process may use, or of all CPUs of the machine
  /// where that is more: what runs on the others still takes of the memory's bandwidth. In [0, 1];
  /// 0 where the system does not say. Coarse below a tenth of a second: the system counts in ticks
  /// of 10 ms.
  [[nodiscard]] double share() const;

 private:
  std::vector<int> usable_;
  CpuTime usable_start_;
  CpuTime all_start_;
  double own_start_ = 0;
};

}  // namespace cupel
