#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::hf {

/// What a config.json says, in the terms of GGUF.
struct TranslatedConfig {
  const ModelFamily* family = nullptr;
  Translation translation;
  bool tied = false;  ///< the head is the embedding
  /// Keys that say of a group of biases whether there are any, with what they say.
  std::vector<std::pair<std::string_view, bool>> biases;
};
/// `place` names the file in messages. Errors: kUnsupported - a model_type or a setting that is not
/// understood, by its name; kCorruptData.
Result<TranslatedConfig> translate_config(const Json& config, const std::string& place);

/// A folder with config.json and safetensors as a checkpoint in the terms of GGUF: the metadata
/// that a converter would write (without the tokenizer), the tensors under GGUF's names, mapped and
/// not copied. Rows of Q and K are not permuted and norms of Gemma not raised by one:
/// `<arch>.rope.interleaved` and `<arch>.norm_plus_one` say so.
///
/// Errors: kNotFound; kCorruptData - broken files, or tensors that are missing; kUnsupported - a
/// model_type, a setting or a tensor that is not understood, by its name.
Result<Checkpoint> open_folder(const std::string& folder);

}  // namespace cupel::engine::hf
