#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/json/json_at.h"
#include "engine/tokenizer/json/model_tokens.h"

namespace cupel::engine {

/// Turns words into ids. Immutable, thread-safe.
class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the ids of each word (not empty, < 2 GiB). They are valid UTF-8, unless the model
  /// `takes_bytes`.
  virtual void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const = 0;
  /// Whether it has a token for each byte, so that words may be any bytes.
  [[nodiscard]] virtual bool takes_bytes() const { return false; }
};

/// Which of the kinds a "model" is: its "type", or, as files of before 2020 have none, what its
/// members show.
Result<std::string> model_type(const JsonAt& json);

// `tokens` must outlive the models. Errors of all: kCorruptData - a member is absent or mistyped,
// or text without a token has no unknown token to stand for it.

/// Byte-pair encoding: characters (or bytes) merge, the pair of the lowest rank first.
///
/// A character without a token becomes its byte tokens ("byte_fallback"), or the unknown token (one
/// for a run of them with "fuse_unk"), or is left out when the model has none, as in the original.
/// `bytes`: words are bytes, and the vocabulary writes them in the byte-level alphabet.
/// Errors: kUnsupported - "dropout" above 0.
Result<std::unique_ptr<WordModel>> make_bpe(const JsonAt& json,
                                            const ModelTokens& tokens,
                                            bool bytes);
/// Whether a BPE model can read words as bytes: nothing of it is about characters.
Result<bool> bpe_may_take_bytes(const JsonAt& json);

/// The likeliest way to cut a word into tokens of known log-probability (Viterbi); a character
/// without a token costs 10 more than the least likely token. Runs of such characters become their
/// byte tokens or one unknown token. Source: Kudo 2018, "Subword Regularization", §3.2.
Result<std::unique_ptr<WordModel>> make_unigram(const JsonAt& json, const ModelTokens& tokens);

/// The longest token that a word begins with, then the longest that goes on ("##…"); a word that
/// cannot be cut so, or is too long, is the unknown token.
Result<std::unique_ptr<WordModel>> make_word_piece(const JsonAt& json, const ModelTokens& tokens);

/// A word is a token or the unknown one.
Result<std::unique_ptr<WordModel>> make_word_level(const JsonAt& json, const ModelTokens& tokens);

}  // namespace cupel::engine
