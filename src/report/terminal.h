#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cupel::report {

/// What an output can show. The default is the plainest: a file or a pipe.
struct Terminal {
  bool live = false;     ///< a TTY on which the cursor can be moved: bars may be redrawn
  bool colour = false;   ///< escape sequences for colour are welcome
  bool unicode = false;  ///< lines and bars may use characters beyond ASCII
  size_t columns = 0;    ///< width; 0 = no limit (a file or a pipe)
  size_t rows = 24;      ///< height; a redrawn block never gets taller
};

/// Looks at the descriptor, TERM, NO_COLOR and the locale. Anything but a capable TTY is plain
/// ASCII without colour; NO_COLOR (non-empty) and TERM=dumb turn ornament off on a TTY as well.
Terminal detect_terminal(int fd);

/// Few styles, used sparingly.
enum class Style { kPlain, kBold, kDim, kAccent, kGood, kBad };

/// The text in that style, or unchanged where the terminal shows no colour.
std::string styled(std::string_view text, Style style, const Terminal& terminal);

}  // namespace cupel::report
