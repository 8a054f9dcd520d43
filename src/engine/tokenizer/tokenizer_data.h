#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// What a token is; values are GGUF's.
enum class TokenType : int32_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,      ///< stands for text that the vocabulary cannot write
  kControl = 3,      ///< structure ("<|im_start|>"); read in text only when asked for
  kUserDefined = 4,  ///< always read in text as one token
  kUnused = 5,
  kByte = 6,  ///< "<0x41>": one byte of a character that has no token
};

/// What a model file says about its tokenizer, before any of it is believed.
///
/// The views need to live only until `make_tokenizer` returns.
struct TokenizerData {
  std::string model;  ///< "gpt2" (byte-level BPE), "llama" (SentencePiece BPE), "bert" (WordPiece)
  std::string pre;    ///< name of the pre-tokenizer of a "gpt2" vocabulary (pre_tokenizers.def)
  std::vector<std::string_view> tokens;
  std::vector<float> scores;             ///< "llama": one a token; higher merges first
  std::vector<int32_t> token_types;      ///< TokenType values, one a token; empty = all normal
  std::vector<std::string_view> merges;  ///< "gpt2": "left right", best first
  int64_t bos = -1;                      ///< -1 = absent, as for the other ids
  int64_t eos = -1;
  int64_t unknown = -1;
  int64_t padding = -1;
  int64_t classifier = -1;  ///< "bert": [CLS], before a text
  int64_t separator = -1;   ///< "bert": [SEP], after it
  /// End of turn, end of message and the like: each of them ends generation.
  std::vector<int64_t> end_ids;
  // Absent = what the kind of vocabulary does by default.
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<bool> add_space_prefix;
};

}  // namespace cupel::engine
