#pragma once

#include "base/result.h"
#include "engine/model/hf/config_reader.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::hf {

/// The rotary settings in both dialects: `rope_theta` and `rope_scaling` at the top, or one object
/// `rope_parameters` (transformers 5), which may hold one object per kind of layer. Factors of
/// Llama 3 and LongRoPE become vectors, as in GGUF. Errors: kUnsupported, kCorruptData - by key.
Result<Ok> translate_rope(ConfigReader& config, Translation& out);

}  // namespace cupel::engine::hf
