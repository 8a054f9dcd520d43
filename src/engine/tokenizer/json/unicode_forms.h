#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cupel::engine {

/// Text while it is normalised, as code points.
///
/// `at_start`: how many of the first characters come from the first character of the whole text.
/// Some word splitters treat only the piece that begins there differently, and a normaliser may
/// have taken that beginning away.
struct CharText {
  std::vector<uint32_t> chars;
  size_t at_start = 0;
};
/// `text` is valid UTF-8; its first `at_start` characters begin the whole text.
CharText to_chars(std::string_view text, size_t at_start);
std::string to_utf8(std::span<const uint32_t> chars);

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };
/// O(n log n) also for text that is one run of combining marks.
void normalize(CharText& text, UnicodeForm form);

// What the tokenizers ask of a character; their tables are older than the library's
// (unicode_exceptions.def).
bool is_white_space(uint32_t c);
bool is_punctuation(uint32_t c);      ///< categories P*, and all ASCII symbols
bool is_number(uint32_t c);           ///< categories N*
bool is_mark(uint32_t c);             ///< categories M*
bool is_nonspacing_mark(uint32_t c);  ///< category Mn
bool is_other(uint32_t c);            ///< control, format and private characters
/// \w of the original engines: alphabetic, marks, decimal digits, connectors, joiners.
bool is_word(uint32_t c);
/// Lower case without context: "Σ" is always "σ"; "İ" becomes two characters.
void append_lower(uint32_t c, std::vector<uint32_t>& out);
/// Where the extended grapheme cluster that begins at `at` (< chars.size()) ends.
size_t grapheme_end(std::span<const uint32_t> chars, size_t at);

}  // namespace cupel::engine
