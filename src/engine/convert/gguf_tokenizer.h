#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/gguf_writer.h"

namespace cupel::engine {

/// A folder's tokenizer as a GGUF file states it.
struct GgufTokenizer {
  GgufHeader keys;                 ///< tokenizer.*
  std::vector<std::string> notes;  ///< what the tokenizer does and GGUF cannot say
};

/// Puts tokenizer.json, its configuration and the chat template of a folder in the terms of GGUF.
///
/// Byte-level BPE becomes "gpt2" with the `pre` whose patterns (pre_tokenizers.def) are those of
/// the file; BPE with byte fallback over "▁" becomes "llama", with scores that merge in the order
/// of its merges. Ids without a token up to `rows`, those of the embedding, are filled up with
/// unused ones. The result is held to the original: both encode a text with blanks, digits and many
/// scripts, and all short tokens; where they differ it is an error. What GGUF has no place for and
/// few texts meet (NFC, white space that goes with a special token) is noted.
/// Errors: those of load_texts_from_folder; kUnsupported - a step that GGUF cannot say, by its path
/// in the file; kCorruptData - more tokens than rows.
Result<GgufTokenizer> gguf_tokenizer(const std::string& folder, uint64_t rows);

}  // namespace cupel::engine
