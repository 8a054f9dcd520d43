#pragma once

#include "engine/model/description.h"

namespace cupel::engine::family {

/// What the Qwen families share beyond a plain decoder: an optional sliding window for the layers
/// that the file names, and dual chunk attention.
Result<ModelDescription> describe_qwen(MetadataReader& read);

/// The same of a config.json.
Result<Ok> translate_qwen(hf::ConfigReader& config, hf::Translation& out);
Result<Ok> translate_qwen_experts(hf::ConfigReader& config, hf::Translation& out);
Result<Ok> configure_qwen(const ModelDescription& model, hf::ConfigWriter& config);
Result<Ok> configure_qwen_experts(const ModelDescription& model, hf::ConfigWriter& config);

}  // namespace cupel::engine::family
