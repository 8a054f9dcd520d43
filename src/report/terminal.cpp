#include "report/terminal.h"

#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

namespace cupel::report {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set decides
    const std::string value = to_lower_ascii(environment(name));
    if (!value.empty()) {
      return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
    }
  }
  return false;
}

std::string_view escape_of(Style style) {
  switch (style) {
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kAccent:
      return "\x1b[33m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kPlain:
      break;
  }
  return {};
}

}  // namespace

Terminal detect_terminal(int fd) {
  Terminal terminal;
  if (::isatty(fd) == 0) {
    return terminal;
  }
  const std::string_view term = environment("TERM");
  terminal.live = !term.empty() && term != "dumb";
  const bool ornament = terminal.live && environment("NO_COLOR").empty();
  terminal.colour = ornament;
  terminal.unicode = ornament && locale_is_utf8();
  terminal.columns = 80;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

std::string styled(std::string_view text, Style style, const Terminal& terminal) {
  const std::string_view escape = escape_of(style);
  if (!terminal.colour || escape.empty() || text.empty()) {
    return std::string(text);
  }
  return std::string(escape) + std::string(text) + "\x1b[0m";
}

}  // namespace cupel::report
