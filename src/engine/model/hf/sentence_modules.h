#pragma once

#include <string>

#include "base/result.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::hf {

/// How a folder of sentence-transformers makes vectors, as keys `<arch>.embeddings.*`: modules.json
/// (a Transformer, a Pooling and perhaps a Normalize), the Pooling's config.json,
/// sentence_bert_config.json (how long texts are) and config_sentence_transformers.json (what
/// stands before them). A folder without modules.json gets the mean of its rows, as
/// sentence-transformers does with it.
///
/// Errors: kUnsupported - another module, another place for the weights, or a setting that is not
/// understood, by its name; kNotFound - a module's file is absent; kCorruptData - a file is broken.
Result<Ok> translate_sentence_modules(const std::string& folder, Translation& out);

}  // namespace cupel::engine::hf
