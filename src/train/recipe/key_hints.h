#pragma once

#include <string_view>

namespace cupel::train {

/// The key of a recipe for what other trainers (TRL, transformers, PEFT, axolotl) call so, with or
/// without a section in front of it ("learning_rate", "lora.target_modules"); empty: not known.
std::string_view key_of_other_name(std::string_view name);

}  // namespace cupel::train
