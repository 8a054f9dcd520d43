#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/kernels/table_operators.h"
#include "kernels_support.h"

namespace cupel::engine::kernels {

const KernelTable& emulated_avx512_kernels();  // avx512_emulated_test.cpp
const KernelTable& emulated_amx_kernels();     // amx_bf16_emulated_test.cpp

}  // namespace cupel::engine::kernels

namespace cupel::engine::test {

namespace {

#if defined(__x86_64__)

[[gnu::target("avx")]] void zero_upper_halves() {
  _mm256_zeroupper();
}

// The emulations themselves are compiled for AVX2.
const Operators* emulated(CpuLevel level) {
  if (!operators_for(CpuLevel::kAvx2).has_value()) {
    return nullptr;
  }
  static const auto avx512 =
      kernels::make_table_operators(CpuLevel::kAvx512, kernels::emulated_avx512_kernels());
  static const auto amx =
      kernels::make_table_operators(CpuLevel::kAmx, kernels::emulated_amx_kernels());
  return level == CpuLevel::kAmx ? amx.get() : avx512.get();
}

#else

void zero_upper_halves() {}

const Operators* emulated(CpuLevel /*level*/) {
  return nullptr;
}

#endif

}  // namespace

void leave_vector_code() {
  static const bool has_avx = operators_for(CpuLevel::kAvx2).has_value();
  if (has_avx) {
    zero_upper_halves();
  }
}

const Operators& scalar_ops() {
  leave_vector_code();
  return *operators_for(CpuLevel::kScalar).value();
}

const std::vector<KernelLevel>& kernel_levels() {
  static const std::vector<KernelLevel> levels = [] {
    std::vector<KernelLevel> all;
    for (const CpuLevel level : cpu_levels()) {
      const std::string name(cpu_level_name(level));
      const auto ops = operators_for(level);
      all.push_back({name, ops.has_value() ? ops.value() : nullptr,
                     name + ": this CPU lacks it; its kernels run emulated"});
    }
    for (const CpuLevel level : {CpuLevel::kAvx512, CpuLevel::kAmx}) {
      const std::string name = std::string(cpu_level_name(level)) + " emulated";
      all.push_back({name, emulated(level), name + ": this CPU lacks AVX2"});
    }
    return all;
  }();
  return levels;
}

}  // namespace cupel::engine::test
