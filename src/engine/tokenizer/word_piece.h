#pragma once

#include <memory>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/tokenizer_data.h"

namespace cupel::engine {

/// WordPiece (tokenizer.ggml.model = "bert"): the tokenizer.json of BERT that the file was made of,
/// put together again (from_json.h).
///
/// The converters of GGUF write "▁" before the tokens that begin a word, take "##" from the others
/// and leave tokens in brackets as they are. What they drop is BERT's own everywhere: text is
/// cleaned, Chinese characters and punctuation are words of their own, a word of more than 100
/// characters is unknown. Upper case stays where some token has a letter of it; otherwise text is
/// lowered and loses its accents, as in the uncased models.
/// Errors: kCorruptData - no tokens, lists of different lengths, text that is no UTF-8, two tokens
/// of the same text, a special id out of range, no [UNK], [CLS] or [SEP].
Result<std::unique_ptr<Tokenizer>> make_word_piece(const TokenizerData& data);

}  // namespace cupel::engine
