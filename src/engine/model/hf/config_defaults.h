#pragma once

#include <string_view>

#include "base/json.h"

namespace cupel::engine::hf {

/// `config`, an object, with what transformers assumes of this model_type where a key is absent and
/// the translation would assume something else. A key that is null stays so: there transformers
/// assumes nothing.
Json with_defaults(const Json& config, std::string_view model_type);

}  // namespace cupel::engine::hf
