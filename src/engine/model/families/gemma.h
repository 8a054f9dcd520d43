#pragma once

#include "engine/model/description.h"

namespace cupel::engine::family {

/// What Gemma 2 and 3 share: embeddings scaled by √width, norms before and after each block (whose
/// weights a GGUF holds with the + 1), GeGLU with the tanh form. Where the file does not say how
/// queries are scaled, models of `layers_by_width` layers scale by the width per head instead of
/// the head's own width.
Result<ModelDescription> describe_gemma(MetadataReader& read, size_t layers_by_width);

/// The same of a config.json.
Result<Ok> translate_gemma(hf::ConfigReader& config, hf::Translation& out);
std::vector<hf::TensorName> gemma_tensor_names();
Result<Ok> configure_gemma(const ModelDescription& model, hf::ConfigWriter& config);

}  // namespace cupel::engine::family
