#include <array>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/error.h"
#include "engine/kernels/operators.h"
#include "engine/kernels/table_operators.h"

namespace cupel::engine {
namespace {

struct LevelName {
  CpuLevel level;
  std::string_view name;
};
constexpr std::array<LevelName, 4> kLevels = {{{CpuLevel::kScalar, "scalar"},
                                               {CpuLevel::kAvx2, "avx2"},
                                               {CpuLevel::kAvx512, "avx512"},
                                               {CpuLevel::kAmx, "amx"}}};

#if defined(__x86_64__)

// libgcc's CPU model also asks XCR0 whether the system saves the wide registers.
bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
         __builtin_cpu_supports("f16c") != 0;
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

/// Tiles are memory that Linux keeps for a process only when it has asked for them.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestComponent = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;              // XFEATURE_XTILEDATA
  static const bool granted = syscall(SYS_arch_prctl, kRequestComponent, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}
bool has_amx() {
  constexpr unsigned kBf16 = 1U << 22U;
  constexpr unsigned kTile = 1U << 24U;
  constexpr unsigned kInt8 = 1U << 25U;
  constexpr unsigned kAll = kBf16 | kTile | kInt8;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return has_avx512() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
         (edx & kAll) == kAll && may_use_tiles();
}

bool cpu_has(CpuLevel level) {
  __builtin_cpu_init();
  switch (level) {
    case CpuLevel::kScalar:
      return true;
    case CpuLevel::kAvx2:
      return has_avx2();
    case CpuLevel::kAvx512:
      return has_avx512();
    case CpuLevel::kAmx:
      return has_amx();
  }
  return false;
}

// Made only where the CPU can run them: even making a table runs code of its level.
const Operators* wide_operators(CpuLevel level) {
  if (level == CpuLevel::kAvx2) {
    static const auto avx2 =
        kernels::make_table_operators(CpuLevel::kAvx2, kernels::avx2_kernels());
    return avx2.get();
  }
  if (level == CpuLevel::kAmx) {
    static const auto amx = kernels::make_table_operators(CpuLevel::kAmx, kernels::amx_kernels());
    return amx.get();
  }
  static const auto avx512 = kernels::make_table_operators(
      CpuLevel::kAvx512, __builtin_cpu_supports("avx512bf16") != 0 ? kernels::avx512_bf16_kernels()
                                                                   : kernels::avx512_kernels());
  return avx512.get();
}

#else

// The files of the x86 levels are not part of this build.
bool cpu_has(CpuLevel level) {
  return level == CpuLevel::kScalar;
}

const Operators* wide_operators(CpuLevel /*level*/) {
  return nullptr;  // never asked for: cpu_has says so
}

#endif

}  // namespace

std::vector<CpuLevel> cpu_levels() {
  std::vector<CpuLevel> levels;
  for (const LevelName& entry : kLevels) {
    levels.push_back(entry.level);
  }
  return levels;
}

std::vector<CpuLevel> available_cpu_levels() {
  std::vector<CpuLevel> levels = cpu_levels();
  std::erase_if(levels, [](CpuLevel level) { return !cpu_has(level); });
  return levels;
}

CpuLevel best_cpu_level() {
  return available_cpu_levels().back();
}

std::string_view cpu_level_name(CpuLevel level) {
  return kLevels[static_cast<size_t>(level)].name;
}

Result<CpuLevel> parse_cpu_level(std::string_view name) {
  for (const LevelName& entry : kLevels) {
    if (entry.name == name) {
      return entry.level;
    }
  }
  return invalid_argument("\"{}\" is no CPU level; there are scalar, avx2, avx512 and amx", name);
}

Result<const Operators*> operators_for(CpuLevel level) {
  if (!cpu_has(level)) {
    return unsupported("this CPU lacks the instructions of level {}", cpu_level_name(level));
  }
  static const auto scalar =
      kernels::make_table_operators(CpuLevel::kScalar, kernels::scalar_kernels());
  return level == CpuLevel::kScalar ? scalar.get() : wide_operators(level);
}

}  // namespace cupel::engine
