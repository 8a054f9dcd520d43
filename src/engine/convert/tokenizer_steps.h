#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/json/json_at.h"
#include "engine/tokenizer/pre_tokenizer.h"

namespace cupel::engine {

/// What GGUF can say of the steps of a tokenizer.json around its BPE model.
struct TokenizerSteps {
  bool byte_level = false;  ///< "gpt2"; else "llama"
  SplitRule split;          ///< of a byte-level model
  bool add_space = false;   ///< a blank before the text, of a "llama" model
  std::vector<std::string> notes;
};

/// Reads "normalizer", "pre_tokenizer" and the switches of "model". Errors: kUnsupported - a step
/// that GGUF has no word for, by its path; kCorruptData - a member is mistyped.
Result<TokenizerSteps> read_tokenizer_steps(const JsonAt& root);

}  // namespace cupel::engine
