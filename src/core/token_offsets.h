#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel {

/// Where the tokens of a text begin in it.
struct TokenOffsets {
  /// Tokens [first, last) together stand for bytes [begin, end), but how is not known: the
  /// tokenizer rewrites text there (Unicode forms, unknown characters). `first == last`: bytes
  /// without a token.
  struct Unclear {
    size_t first = 0;
    size_t last = 0;
    size_t begin = 0;
    size_t end = 0;
  };

  std::vector<size_t> begin;     ///< per token, ascending; of unclear ones, where their bytes begin
  std::vector<Unclear> unclear;  ///< in order
};

/// Finds the bytes of each token again in the text that it was encoded from, with control tokens
/// read (`parse_special`) except at `plain_at`, and without BOS and EOS around it.
///
/// Exact for vocabularies whose tokens are bytes of the text, and where a blank is put before it
/// (SentencePiece): such a blank has no place of its own. Everything else is listed as unclear.
/// Between two control tokens one change does not spoil the rest: tokens are found from both ends.
/// Cost: linear.
TokenOffsets token_offsets(const Tokenizer& tokenizer,
                           std::string_view text,
                           std::span<const TokenId> ids,
                           std::span<const size_t> plain_at = {});

}  // namespace cupel
