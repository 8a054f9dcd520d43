#pragma once

#include <span>
#include <string>
#include <string_view>

#include "align/losses/options.h"

namespace cupel::align {

// Names that other trainers and papers use, for messages: none of them is accepted.

/// "TRL's \"sigmoid\" is dpo here"; empty: no such name is known. `-` and `_` are the same.
std::string loss_hint(std::string_view name);

/// The same for a parameter of a loss that has those `parameters`.
std::string parameter_hint(std::string_view loss,
                           std::string_view name,
                           std::span<const LossParameter> parameters);

}  // namespace cupel::align
