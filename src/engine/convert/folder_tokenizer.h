#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

/// The tokenizer of a GGUF file as the files of a folder state it.
struct FolderTokenizer {
  Json tokenizer;   ///< tokenizer.json
  Json config;      ///< tokenizer_config.json, with the chat template
  Json generation;  ///< generation_config.json: which tokens end an answer
  int64_t bos = -1;
  int64_t eos = -1;
  int64_t padding = -1;
};

/// "gpt2" becomes byte-level BPE with the patterns of its `pre`, "llama" BPE with byte fallback and
/// the merges that its scores order. The result is held to the original (expect_same_ids).
/// Errors: those of load_tokenizer; kUnsupported - what a tokenizer.json cannot say.
Result<FolderTokenizer> folder_tokenizer(const Checkpoint& file);

}  // namespace cupel::engine
