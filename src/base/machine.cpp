#include "base/machine.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <sched.h>
#include <unistd.h>

#include "base/format.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr int kMostCaches = 16;

// What the kernels can use, or what explains why another machine is faster.
constexpr std::string_view kFlags[] = {"avx",         "avx2",        "fma",        "f16c",
                                       "avx_vnni",    "avx512f",     "avx512bw",   "avx512dq",
                                       "avx512vl",    "avx512_vnni", "avx512vbmi", "avx512_bf16",
                                       "avx512_fp16", "amx_tile",    "amx_int8",   "amx_bf16"};

std::string file_or_empty(const std::string& path) {
  auto text = read_file(path);
  return text ? std::string(trim(*text)) : std::string();
}

std::optional<int64_t> leading_number(std::string_view text) {
  int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// The value of the first line "key : value", or empty.
std::string_view field_of(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key) {
      return trim(line.substr(colon + 1));
    }
  }
  return {};
}

// "32768K", "256M" as /sys writes sizes.
int64_t size_bytes(std::string_view text) {
  const int64_t number = leading_number(text).value_or(0);
  switch (text.empty() ? ' ' : text.back()) {
    case 'K':
      return number << 10U;
    case 'M':
      return number << 20U;
    case 'G':
      return number << 30U;
    default:
      return number;
  }
}

// A cache is one for all CPUs that share it: the list of them is its name.
int64_t last_level_cache(std::span<const int> cpus, const std::string& root) {
  std::map<int64_t, std::map<std::string, int64_t>> levels;  // level → sharers → bytes
  for (const int cpu : cpus) {
    for (int index = 0; index < kMostCaches; ++index) {
      const std::string folder =
          format("{}/sys/devices/system/cpu/cpu{}/cache/index{}/", root, cpu, index);
      const auto level = leading_number(file_or_empty(folder + "level"));
      if (!level) {
        break;
      }
      if (file_or_empty(folder + "type") != "Instruction") {
        levels[*level][file_or_empty(folder + "shared_cpu_list")] =
            size_bytes(file_or_empty(folder + "size"));
      }
    }
  }
  int64_t total = 0;
  if (!levels.empty()) {
    for (const auto& [sharers, bytes] : levels.rbegin()->second) {
      total += bytes;
    }
  }
  return total;
}

size_t physical_cores(std::span<const int> cpus, const std::string& root) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string siblings = file_or_empty(
        format("{}/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", root, cpu));
    if (siblings.empty()) {
      return cpus.size();
    }
    cores.insert(siblings);
  }
  return cores.size();
}

// Of /proc/meminfo, which counts in KiB.
int64_t memory_field(const std::string& root, std::string_view key) {
  const std::string text = file_or_empty(root + "/proc/meminfo");
  return leading_number(field_of(text, key)).value_or(0) << 10U;
}

// What a control group leaves, or nothing where it sets no limit.
std::optional<int64_t> left_in_group(const std::string& limit_file, const std::string& used_file) {
  const auto limit = leading_number(file_or_empty(limit_file));  // "max" is no number
  const auto used = leading_number(file_or_empty(used_file));
  return limit && used ? std::optional(std::max<int64_t>(0, *limit - *used)) : std::nullopt;
}

}  // namespace

std::vector<int> usable_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) {
        cpus.push_back(cpu);
      }
    }
  }
  if (cpus.empty()) {
    const long online = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
    for (int cpu = 0; cpu < online; ++cpu) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

Machine describe_machine(std::span<const int> cpus, const std::string& root) {
  Machine machine;
  const std::string info = file_or_empty(root + "/proc/cpuinfo");
  if (const std::string_view name = field_of(info, "model name"); !name.empty()) {
    machine.cpu = std::string(name);
  }
  const std::vector<std::string_view> all = split(field_of(info, "flags"), ' ');
  for (const std::string_view flag : kFlags) {
    if (std::find(all.begin(), all.end(), flag) != all.end()) {
      machine.flags.emplace_back(flag);
    }
  }
  machine.cpus = cpus.size();
  machine.cores = physical_cores(cpus, root);
  machine.last_level_cache_bytes = last_level_cache(cpus, root);
  machine.memory_bytes = memory_field(root, "MemTotal");
  return machine;
}

int64_t available_memory_bytes(const std::string& root) {
  int64_t bytes = memory_field(root, "MemAvailable");
  const std::string groups = root + "/sys/fs/cgroup/";
  const auto unified = left_in_group(groups + "memory.max", groups + "memory.current");
  const auto older = left_in_group(groups + "memory/memory.limit_in_bytes",
                                   groups + "memory/memory.usage_in_bytes");
  for (const auto& left : {unified, older}) {
    bytes = left ? std::min(bytes, *left) : bytes;
  }
  return bytes;
}

}  // namespace cupel
