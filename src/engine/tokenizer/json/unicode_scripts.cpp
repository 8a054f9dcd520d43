#include "engine/tokenizer/json/unicode_scripts.h"

#include <algorithm>
#include <iterator>

namespace cupel::engine {
namespace {

struct ScriptRange {
  uint32_t first;
  uint32_t last;
  int script;
};

constexpr ScriptRange kRanges[] = {
#define CUPEL_SCRIPT(first, last, script) {first, last, script},
#include "engine/tokenizer/json/unicode_scripts.def"
#undef CUPEL_SCRIPT
};

}  // namespace

int script_of(uint32_t code_point) {
  const auto* const range = std::ranges::lower_bound(kRanges, code_point, {}, &ScriptRange::last);
  return range != std::end(kRanges) && range->first <= code_point ? range->script : 0;
}

}  // namespace cupel::engine
