#include "engine/tokenizer/unicode_additions.h"

#include <algorithm>

#include "base/format.h"

namespace cupel::engine {
namespace {

struct Addition {
  std::string_view property;
  uint32_t first = 0;
  uint32_t last = 0;
};
constexpr Addition kAdditions[] = {
#define CUPEL_UNICODE(property, first, last) {property, first, last},
#include "engine/tokenizer/unicode_additions.def"
#undef CUPEL_UNICODE
};

}  // namespace

std::string_view added_category(uint32_t code_point) {
  for (const Addition& addition : kAdditions) {
    if (code_point >= addition.first && code_point <= addition.last) {
      return addition.property;
    }
  }
  return {};
}

std::string added_ranges(std::string_view property) {
  std::string ranges;
  for (const Addition& addition : kAdditions) {
    const bool in_group = property.size() == 1 && addition.property.size() == 2 &&
                          addition.property.front() == property.front();
    if (addition.property == property || in_group) {
      ranges += format("\\x{{{:x}}}-\\x{{{:x}}}", addition.first, addition.last);
    }
  }
  return ranges;
}

}  // namespace cupel::engine
