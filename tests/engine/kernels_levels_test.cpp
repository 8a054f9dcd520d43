#include "kernels_support.h"

namespace cupel::engine::test {

const Operators& scalar_ops() {
  return *operators_for(CpuLevel::kScalar).value();
}

const std::vector<KernelLevel>& kernel_levels() {
  static const std::vector<KernelLevel> levels = [] {
    std::vector<KernelLevel> all;
    for (const CpuLevel level : {CpuLevel::kScalar, CpuLevel::kAvx2, CpuLevel::kAvx512}) {
      const std::string name(cpu_level_name(level));
      const auto ops = operators_for(level);
      all.push_back({name, ops.has_value() ? ops.value() : nullptr, name + ": this CPU lacks it"});
    }
    return all;
  }();
  return levels;
}

}  // namespace cupel::engine::test
