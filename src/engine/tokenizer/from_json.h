#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/json/added_tokens.h"

namespace cupel::engine {

/// What stands beside a tokenizer.json (tokenizer_config.json and the like).
struct JsonTokenizerOptions {
  std::string bos;  ///< text of the token; empty: none
  std::string eos;
  std::vector<int64_t> end_ids;  ///< tokens that end generation, besides eos
  std::optional<bool> add_bos;   ///< absent: as the file's post-processor does
  std::optional<bool> add_eos;
  std::vector<AddedToken> more_tokens;  ///< added tokens that the file may lack
  bool lowercase = false;               ///< text is lowered before the file's own normaliser
};

/// The tokenizer of the text of a tokenizer.json (Hugging Face `tokenizers`).
///
/// Models: BPE, Unigram, WordPiece, WordLevel; for the steps around them see json/normalizer.h,
/// json/word_split.h, json/token_decoder.h and json/frame.h. "truncation" and "padding" are passed
/// over: text is never cut or filled up. Special tokens are read with `parse_special`. Text that is
/// no UTF-8 becomes byte tokens where the model has one for each byte, else U+FFFD is read.
/// Texts beyond 16 MiB are encoded in parts of that size.
/// Errors: kUnsupported - a part of a kind that Cupel does not know (names its path), or steps that
/// together may make a text more than 4096 times as long or are more than 256;
/// kCorruptData - a part is absent, mistyped or contradicts another (names its path);
/// kExhausted - more than 6 · 2^20 JSON values.
/// Cost: 1.2 s of a core and 250 MB at the peak for 50 MB (580,000 tokens, as many merges); the
/// dearest file of 50 MB, all of it added tokens, 9 s and 930 MB (tests/engine/slow). Checked
/// against: tests/engine/tokenizer_json_test.cpp (tokenizers 0.23.3).
Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(std::string_view text,
                                                       const JsonTokenizerOptions& options = {});

/// The same of a file's content as it was parsed, or as it would be.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_json_value(
    const Json& root, const JsonTokenizerOptions& options = {});

/// The same from a file. Errors: also kNotFound; with the path.
Result<std::unique_ptr<Tokenizer>> load_tokenizer_json(const std::string& path,
                                                       const JsonTokenizerOptions& options = {});

}  // namespace cupel::engine
