#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cupel::report {

/// Columns that a text takes on a terminal: 2 for wide and emoji characters, 0 for combining marks,
/// joiners and whatever follows a joiner. Invalid bytes count as one replacement character each.
size_t display_width(std::string_view text);

/// One line that is safe to print: control characters and invalid bytes become U+FFFD, tabs and
/// line ends a space. Untrusted names could otherwise move the cursor or recolour the terminal.
std::string terminal_text(std::string_view text);

/// The text, or its longest beginning that leaves room for the ellipsis, in at most `width`
/// columns.
std::string cut_to_width(std::string_view text, size_t width, std::string_view ellipsis = "…");

enum class Align { kLeft, kRight };

/// Fills with blanks up to `width` columns; longer texts stay as they are.
std::string pad_to_width(std::string text, size_t width, Align align);

}  // namespace cupel::report
