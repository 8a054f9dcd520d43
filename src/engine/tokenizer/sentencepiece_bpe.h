#pragma once

#include <memory>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/tokenizer_data.h"

namespace cupel::engine {

/// SentencePiece BPE (tokenizer.ggml.model = "llama"): characters merge to the piece of the highest
/// score first; a character without a token becomes its byte tokens, or without those the unknown
/// token (one for a run of such characters). U+2581 in pieces stands for a blank.
///
/// Vocabularies that put a blank before text do it at the start and after every special token;
/// decoding takes it away again.
/// Errors: as Vocabulary::create; kCorruptData - no scores, a score that is no number, or neither
/// all byte tokens nor an unknown token. Source: Kudo & Richardson 2018, "SentencePiece".
Result<std::unique_ptr<Tokenizer>> make_sentencepiece_bpe(const TokenizerData& data);

}  // namespace cupel::engine
