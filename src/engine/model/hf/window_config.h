#pragma once

#include "base/result.h"
#include "engine/model/hf/config_reader.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::hf {

/// The sliding window and the layers that have it: those that `layer_types` lists, else those of
/// the family (`AbsentKeys::windows`). Errors: kUnsupported - a kind of layer that is not computed,
/// or keys that contradict each other; kCorruptData.
Result<Ok> translate_windows(ConfigReader& config, Translation& out);

}  // namespace cupel::engine::hf
