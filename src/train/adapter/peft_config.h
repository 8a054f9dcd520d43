#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/adapter/lora.h"

namespace cupel::train {

/// What PEFT's adapter_config.json says; `place` is what messages call it. Errors: kCorruptData;
/// kUnsupported - a setting that is not computed, by its name.
Result<LoraOptions> read_peft_config(const Json& json, const std::string& place);

/// What it says of an adapter of those modules of a model.
Json peft_config(const LoraOptions& options,
                 const std::vector<std::string>& modules,
                 const Model& model);

}  // namespace cupel::train
