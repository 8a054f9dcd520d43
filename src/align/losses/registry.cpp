#include "align/losses/registry.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "align/losses/hints.h"
#include "base/error.h"
#include "base/text.h"

namespace cupel::align {

namespace loss {
#define CUPEL_LOSS(id) LossInfo id();
#include "align/losses/registry.def"
#undef CUPEL_LOSS
}  // namespace loss

std::span<const LossInfo> losses() {
  static const std::array all = {
#define CUPEL_LOSS(id) loss::id(),
#include "align/losses/registry.def"
#undef CUPEL_LOSS
  };
  return all;
}

Result<const LossInfo*> find_loss(std::string_view name) {
  std::string wanted(name);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  std::vector<std::string> names;
  for (const LossInfo& info : losses()) {
    if (info.name == wanted) {
      return &info;
    }
    names.emplace_back(info.name);
  }
  if (const std::string hint = loss_hint(name); !hint.empty()) {
    return invalid_argument("no loss \"{}\"; {}", printable(name), hint);
  }
  return invalid_argument("no loss \"{}\"{}; there are: {}", printable(name),
                          did_you_mean(wanted, names), join(names, ", "));
}

}  // namespace cupel::align
