#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cupel::engine::jinja {

// What Python's str knows about characters, on valid UTF-8. Positions and lengths are code points;
// "offset" always means bytes.

size_t code_point_count(std::string_view text);
/// Byte offset of a code point; text.size() when the index is past the end.
size_t byte_offset(std::string_view text, size_t index);
/// Length in bytes of the character that starts with this byte.
size_t sequence_length(char first);
/// Offset of the character that ends right before this offset (> 0).
size_t previous_offset(std::string_view text, size_t offset);
/// The character at a byte offset.
uint32_t code_point_at(std::string_view text, size_t offset);

bool is_space(uint32_t code_point);       ///< str.isspace, and \s of regular expressions
bool is_line_break(uint32_t code_point);  ///< what str.splitlines splits at
bool is_printable(uint32_t code_point);   ///< what repr does not escape
bool is_alpha(uint32_t code_point);
bool is_decimal(uint32_t code_point);
bool is_digit(uint32_t code_point);
bool is_numeric(uint32_t code_point);
bool is_alnum(uint32_t code_point);
bool is_word(uint32_t code_point);  ///< \w of regular expressions
bool is_upper(uint32_t code_point);
bool is_lower(uint32_t code_point);
bool is_title(uint32_t code_point);
bool is_cased(uint32_t code_point);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
/// str.title: every run of cased characters starts in title case and goes on in lower case.
std::string to_title(std::string_view text);
std::string to_capitalized(std::string_view text);
std::string to_swapped_case(std::string_view text);
std::string to_folded_case(std::string_view text);

/// Multi-character case mappings, empty when the mapping is one to one.
std::string_view upper_expansion(uint32_t code_point);
std::string_view title_expansion(uint32_t code_point);

/// Which ends to strip.
enum class Side { kBoth, kLeft, kRight };
/// Strips white space as str.strip does.
std::string_view strip_space(std::string_view text, Side side = Side::kBoth);
/// Strips the characters of `characters`.
std::string_view strip_characters(std::string_view text,
                                  std::string_view characters,
                                  Side side = Side::kBoth);

}  // namespace cupel::engine::jinja
