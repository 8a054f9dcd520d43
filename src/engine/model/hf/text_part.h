#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "engine/model/description.h"

namespace cupel::engine::hf {

/// What stands as `text_config` in the config.json of a multimodal folder of this family: the
/// configuration of its text model, with what transformers takes where it is silent; `model_type`
/// is the family's own. Errors: kCorruptData - no such object; kUnsupported - a text model of
/// another type, or a head of its own where the family ties it.
Result<Json> text_part(const Json& config, const ModelFamily& family, const std::string& place);

}  // namespace cupel::engine::hf
