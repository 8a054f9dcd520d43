#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cupel::judge {

// What deciders count in a text. One definition each, so that all kinds agree:
// white space is ASCII; a letter or digit is Unicode category L* or N*; case folding is ASCII.

/// CRLF becomes LF; white space goes at both ends.
std::string clean_answer(std::string_view text);
/// Whether a character that ends at / begins at this byte is a letter or digit.
bool alnum_before(std::string_view text, size_t offset);
bool alnum_at(std::string_view text, size_t offset);
/// Lines that are not empty, trimmed.
std::vector<std::string_view> lines_of(std::string_view text);
/// Pieces between white space that hold a letter or digit.
std::vector<std::string_view> words_of(std::string_view text);
/// Pieces ended by [.!?]+ and closing quotes or brackets before white space or the end; a piece
/// counts when it holds a letter.
size_t count_sentences(std::string_view text);
size_t count_paragraphs(std::string_view text);
/// [+-]? digits (thousands commas allowed) and decimals, not glued to a letter or digit on the
/// left; U+2212 is a minus sign.
std::vector<double> numbers_of(std::string_view text);
enum class ListStyle { kBullet, kNumbered, kAny };
std::vector<std::string_view> list_items_of(std::string_view text, ListStyle style);
/// A fenced block: the info word (lower case) and its lines.
struct Fence {
  std::string info;
  std::string body;
};
/// The fenced blocks; an open fence runs to the end. `outside` receives the other lines.
std::vector<Fence> fences_of(std::string_view text, std::string& outside);
/// Occurrences that do not overlap. With whole_word none is flanked by a letter or digit.
int64_t count_occurrences(std::string_view text,
                          std::string_view needle,
                          bool case_sensitive,
                          bool whole_word);
size_t count_code_points(std::string_view text);
/// A word without what is no letter or digit at its ends.
std::string_view bare_word(std::string_view word);

}  // namespace cupel::judge
