#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cupel {

/// One decoded UTF-8 character. Invalid bytes decode to U+FFFD with the length to skip (≥ 1).
struct CodePoint {
  uint32_t value = 0;
  uint8_t length = 0;
  bool valid = true;
};
/// Decodes the character that starts at `offset` (< text.size()). Rejects overlong forms and
/// surrogates.
CodePoint decode_utf8(std::string_view text, size_t offset);
void append_utf8(std::string& out, uint32_t code_point);
bool is_valid_utf8(std::string_view text);
/// Replaces every invalid sequence by U+FFFD.
std::string to_valid_utf8(std::string_view text);
/// Length of the longest prefix that ends on a character boundary: what may be shown while
/// streaming. Bytes after it are the beginning of a character that may still be completed.
size_t complete_utf8_prefix(std::string_view text);

/// Splits at every occurrence of the separator; `split("", ',')` is one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Strips ASCII white space from both ends.
std::string_view trim(std::string_view text);
std::string to_lower_ascii(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// Whether the whole text fits a pattern in which `*` stands for any bytes (none, '/' too) and `?`
/// for one. Takes time O(text · pattern) at most.
bool matches_pattern(std::string_view text, std::string_view pattern);
/// A text shortened to `max_bytes` on a character boundary, with "…" when cut; for messages.
std::string excerpt(std::string_view text, size_t max_bytes);
/// An excerpt that is safe in a one-line message: control characters become "?", invalid UTF-8
/// U+FFFD.
std::string printable(std::string_view text, size_t max_bytes = 64);

/// Levenshtein distance in bytes.
size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate nearest to `word` when it is near enough to be a typing error; else empty.
std::string nearest_match(std::string_view word, std::span<const std::string> candidates);
/// ` (did you mean "x"?)` or nothing: to end a message with.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace cupel
