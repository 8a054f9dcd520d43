#include <array>

#include "base/error.h"
#include "engine/kernels/operators.h"
#include "engine/kernels/table_operators.h"

namespace cupel::engine {
namespace {

struct LevelName {
  CpuLevel level;
  std::string_view name;
};
constexpr std::array<LevelName, 3> kLevels = {
    {{CpuLevel::kScalar, "scalar"}, {CpuLevel::kAvx2, "avx2"}, {CpuLevel::kAvx512, "avx512"}}};

#if defined(__x86_64__)

/// libgcc's CPU model also asks XCR0 whether the system saves the wide registers.
bool cpu_has(CpuLevel level) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                    __builtin_cpu_supports("f16c") != 0;
  switch (level) {
    case CpuLevel::kScalar:
      return true;
    case CpuLevel::kAvx2:
      return avx2;
    case CpuLevel::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") != 0 &&
             __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
             __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
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
  return invalid_argument("\"{}\" is no CPU level; there are scalar, avx2 and avx512", name);
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
