#include "base/process_usage.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include <malloc.h>
#include <unistd.h>

#include "base/io.h"
#include "base/machine.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr size_t kTickFields = 8;  // user nice system idle iowait irq softirq steal
constexpr size_t kIdleField = 3;
constexpr size_t kWaitField = 4;

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// N of a line "cpuN …", -1 for others; the sum over all CPUs is called "cpu" alone.
int cpu_of(std::string_view label) {
  int cpu = -1;
  if (label.starts_with("cpu")) {
    std::from_chars(label.data() + 3, label.data() + label.size(), cpu);
  }
  return cpu;
}

CpuTime cpu_time_now(std::span<const int> cpus) {
  const auto text = read_file("/proc/stat");
  return text ? cpu_time(*text, cpus, static_cast<double>(sysconf(_SC_CLK_TCK))) : CpuTime{};
}

double clock_seconds(clockid_t clock) {
  timespec time{};
  return clock_gettime(clock, &time) == 0
             ? static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9
             : 0;
}

}  // namespace

std::optional<int64_t> peak_resident_bytes() {
  const auto text = read_file("/proc/self/status");
  if (text) {
    for (const std::string_view line : split(*text, '\n')) {
      if (line.starts_with("VmHWM:")) {
        return static_cast<int64_t>(number(trim(line.substr(6)))) << 10U;  // in KiB
      }
    }
  }
  return std::nullopt;
}

bool reset_peak_resident() {
#ifdef __GLIBC__
  malloc_trim(0);  // what was freed and is only kept would count as resident
#endif
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // 5: the peak alone; see proc(5)
  return file.good();
}

double process_cpu_seconds() {
  return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double thread_cpu_seconds() {
  return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

CpuTime cpu_time(std::string_view proc_stat, std::span<const int> cpus, double ticks_per_second) {
  CpuTime time;
  for (const std::string_view line : split(proc_stat, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    const int cpu = fields.size() > kTickFields ? cpu_of(fields[0]) : -1;
    if (cpu < 0 || (!cpus.empty() && std::find(cpus.begin(), cpus.end(), cpu) == cpus.end())) {
      continue;
    }
    for (size_t i = 0; i < kTickFields; ++i) {
      const double seconds = number(fields[i + 1]) / ticks_per_second;
      time.all += seconds;
      time.busy += i == kIdleField || i == kWaitField ? 0 : seconds;
    }
  }
  return time;
}

OthersWatch::OthersWatch()
    : usable_(usable_cpus()),
      usable_start_(cpu_time_now(usable_)),
      all_start_(cpu_time_now({})),
      own_start_(process_cpu_seconds()) {}

double OthersWatch::share() const {
  const double own = process_cpu_seconds() - own_start_;
  const auto others = [own](const CpuTime& passed) {
    return passed.all > 0 ? std::clamp((passed.busy - own) / passed.all, 0.0, 1.0) : 0.0;
  };
  return std::max(others(cpu_time_now(usable_) - usable_start_),
                  others(cpu_time_now({}) - all_start_));
}

}  // namespace cupel
