#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/json/json_at.h"

namespace cupel::engine {

/// A piece of text on its way to the model.
struct TextPiece {
  std::string_view text;
  /// How many of its first bytes come from the first character of the whole text.
  size_t at_start = 0;
};

/// The pieces of a text, and the texts that steps had to make anew.
struct TextPieces {
  std::vector<TextPiece> list;
  std::deque<std::string> made;  // never moved: views into it stay

  /// Keeps a text as long as this object and returns a view of it.
  std::string_view keep(std::string text) { return made.emplace_back(std::move(text)); }
};

/// One step that cuts (and sometimes rewrites) pieces. Immutable, thread-safe. Texts are valid
/// UTF-8; empty pieces are dropped.
class WordSplit {
 public:
  virtual ~WordSplit() = default;
  virtual void apply(TextPieces& pieces) const = 0;
  /// Most bytes that one becomes.
  [[nodiscard]] virtual double growth() const { return 1; }
};

/// The steps of a "pre_tokenizer".
struct WordSplits {
  std::vector<std::unique_ptr<WordSplit>> steps;
  /// The last step writes bytes in the byte-level alphabet; it was left out, because the model
  /// reads bytes itself.
  bool ends_in_bytes = false;

  [[nodiscard]] double growth() const;
};

/// The "pre_tokenizer" of a tokenizer.json. `take_bytes`: leave out a ByteLevel alphabet at the
/// end.
///
/// Known: Sequence, ByteLevel, Split, Whitespace, WhitespaceSplit, Punctuation, Digits, Metaspace,
/// BertPreTokenizer, CharDelimiterSplit, UnicodeScripts, FixedLength. Patterns that splitters.h has
/// written out are cut by it. Errors: kUnsupported - another one (named by its path), or a pattern
/// that compile_oniguruma refuses; kCorruptData - a member is absent or mistyped.
Result<WordSplits> make_word_splits(const JsonAt& json, bool take_bytes);

}  // namespace cupel::engine
