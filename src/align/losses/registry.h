#pragma once

#include <span>
#include <string_view>

#include "align/losses/loss.h"
#include "base/result.h"

namespace cupel::align {

/// All losses of registry.def, sorted by name.
std::span<const LossInfo> losses();

/// The loss of that name; `-` and `_` are the same. Errors: kInvalidArgument with the nearest and
/// the list, or with what another trainer's name is here.
Result<const LossInfo*> find_loss(std::string_view name);

}  // namespace cupel::align
