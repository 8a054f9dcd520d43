#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/tokenizer_data.h"

namespace cupel::engine {

/// What the user may say where the file is silent or wrong.
struct TokenizerOptions {
  std::string pre;  ///< name of the pre-tokenizer instead of tokenizer.ggml.pre (--tokenizer-pre)
};

/// Reads the tokenizer.ggml.* keys. The views point into `file`.
/// Errors: kCorruptData - a key is absent or mistyped; names file and key.
Result<TokenizerData> tokenizer_data(const Checkpoint& file);

/// The tokenizer of a model file; independent of `file` afterwards.
/// Errors: as tokenizer_data and make_tokenizer, with the file's path.
Result<std::unique_ptr<Tokenizer>> load_tokenizer(const Checkpoint& file,
                                                  const TokenizerOptions& options = {});

}  // namespace cupel::engine
