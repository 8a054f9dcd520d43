#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel {

using TokenId = int32_t;

/// How to turn text into ids.
struct EncodeOptions {
  bool add_special = false;    ///< put BOS/EOS where the vocabulary's own settings ask for them
  bool parse_special = false;  ///< read control tokens (e.g. "<|im_start|>") in the text as such
  /// Ascending offsets at which no control token begins, whatever the text there reads like.
  std::span<const size_t> plain_at = {};
  /// The text's last tokens are left out until no more than these remain, BOS and EOS included;
  /// those always stay.
  size_t max_tokens = SIZE_MAX;
};

/// What `max_tokens` asks of an encoder before it appends its last `after` special ids: `ids` loses
/// tokens at its end, but not the first `before`.
void cut_to(size_t max_tokens, size_t before, size_t after, std::vector<TokenId>& ids);

/// Text ↔ token ids. Immutable and thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Ids of a text. Bytes that are no UTF-8 are encoded byte by byte. What the vocabulary has no
  /// token for becomes its unknown token (SentencePiece) or is left out (byte-level BPE), as in the
  /// original tokenizers.
  [[nodiscard]] virtual std::vector<TokenId> encode(std::string_view text,
                                                    const EncodeOptions& options) const = 0;
  /// The bytes of one token (may be part of a character). Control tokens give "" unless asked for.
  [[nodiscard]] virtual std::string token_bytes(TokenId id, bool render_special = false) const = 0;
  /// The same, appended to `out`: what decoding calls for each token.
  virtual void append_token_bytes(TokenId id, std::string& out) const { out += token_bytes(id); }
  /// Text of a whole sequence; inverse of encode for byte-complete vocabularies.
  [[nodiscard]] virtual std::string decode(std::span<const TokenId> ids,
                                           bool render_special = false) const = 0;

  /// Ascending offsets at which the text of a control token begins.
  [[nodiscard]] virtual std::vector<size_t> control_places(std::string_view /*text*/) const {
    return {};
  }
  /// True when a blank with which a token begins is dropped after `previous` (-1: at the start of
  /// the text): SentencePiece vocabularies put one there when they encode. Control tokens keep it.
  [[nodiscard]] virtual bool drops_space_after(TokenId /*previous*/) const { return false; }

  [[nodiscard]] virtual size_t vocabulary_size() const = 0;
  [[nodiscard]] virtual TokenId bos() const = 0;  ///< -1 when the vocabulary has none
  [[nodiscard]] virtual TokenId eos() const = 0;  ///< -1 when the vocabulary has none
  /// True for every token that ends a turn (eos, "<|im_end|>", "<end_of_turn>", …).
  [[nodiscard]] virtual bool ends_generation(TokenId id) const = 0;
  [[nodiscard]] virtual bool is_control(TokenId id) const = 0;
  /// The id whose whole text is `piece`, or -1.
  [[nodiscard]] virtual TokenId find(std::string_view piece) const = 0;
};

/// Streams text out of ids and never emits half a character: bytes of an unfinished character wait
/// for the next token; `flush` replaces each byte of what stays
/// unfinished by U+FFFD.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer);
  /// Text that became complete with this token (often the whole token, sometimes "").
  std::string push(TokenId id);
  /// The same, appended to `out`. Allocates only where `out` has no room or bytes are no UTF-8.
  void append(TokenId id, std::string& out);
  std::string flush();

 private:
  const Tokenizer* tokenizer_;
  TokenId previous_ = -1;
  std::string pending_;  // between tokens: valid beginning of a character, < 4 bytes
};

}  // namespace cupel
