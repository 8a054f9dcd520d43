#pragma once

#include <memory>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/tokenizer_data.h"

namespace cupel::engine {

/// The tokenizer that a model file describes.
///
/// Errors: kUnsupported - a kind of vocabulary other than byte-level BPE, SentencePiece BPE and
/// WordPiece, or an unknown pre-tokenizer; kCorruptData - see make_byte_bpe, make_sentencepiece_bpe
/// and make_word_piece. Cost: O(bytes of all tokens); 10–100 ms for 10^5 tokens.
Result<std::unique_ptr<Tokenizer>> make_tokenizer(const TokenizerData& data);

}  // namespace cupel::engine
