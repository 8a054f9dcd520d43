#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/json/json_at.h"

namespace cupel::engine {

/// Which ends of the whole text a list of tokens has: some steps treat the first or last token
/// differently.
struct TextEnds {
  bool start = true;
  bool end = true;
};

/// One step from token texts back to text. Immutable, thread-safe.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  /// Changes the tokens; their texts, joined after the last step, are the text.
  virtual void apply(std::vector<std::string>& tokens, TextEnds ends) const = 0;
  /// Whether a blank that begins the text is dropped.
  [[nodiscard]] virtual bool drops_first_space() const { return false; }
  /// Most bytes that one becomes.
  [[nodiscard]] virtual double growth() const { return 1; }
};

/// The "decoder" of a tokenizer.json; absent: tokens with blanks between them.
///
/// Known: Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, WordPiece,
/// BPEDecoder, CTC. Bytes that are no UTF-8 are given back as they are, where the original writes
/// U+FFFD. Errors: kUnsupported - another one (named by its path); kCorruptData - a member is
/// absent or mistyped.
Result<std::unique_ptr<TokenDecoder>> make_decoder(const std::optional<JsonAt>& json);

}  // namespace cupel::engine
