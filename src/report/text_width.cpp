#include "report/text_width.h"

#include <cstdint>

#include <utf8proc.h>

#include "base/text.h"

namespace cupel::report {
namespace {

constexpr uint32_t kJoiner = 0x200D;
constexpr uint32_t kEmojiVariation = 0xFE0F;
constexpr uint32_t kReplacement = 0xFFFD;

bool is_control(uint32_t c) {
  // C0, DEL, C1, line and paragraph separators, and the marks that reorder or hide text.
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

/// Walks a text and says how far each character moves the cursor.
class WidthWalker {
 public:
  /// Columns of this character, given what came before it.
  size_t step(const CodePoint& point) {
    const bool joined = after_joiner_;
    after_joiner_ = point.value == kJoiner;
    if (point.value == kEmojiVariation && last_ == 1) {
      last_ = 2;  // the selector asks for the two-column picture of a one-column character
      return 1;
    }
    const size_t width = joined ? 0 : base_width(point.value);
    if (width > 0) {
      last_ = width;
    }
    return width;
  }

 private:
  static size_t base_width(uint32_t c) {
    if (c == kReplacement) {
      return 1;
    }
    const int width = utf8proc_charwidth(static_cast<utf8proc_int32_t>(c));
    return width > 0 ? static_cast<size_t>(width) : 0;
  }
  size_t last_ = 0;
  bool after_joiner_ = false;
};

}  // namespace

size_t display_width(std::string_view text) {
  WidthWalker walker;
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    width += walker.step(point);
    at += point.length;
  }
  return width;
}

std::string terminal_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    if (point.value == '\t' || point.value == '\n' || point.value == '\r') {
      out += ' ';
    } else if (!point.valid || is_control(point.value)) {
      append_utf8(out, kReplacement);
    } else {
      out.append(text.substr(at, point.length));
    }
    at += point.length;
  }
  return out;
}

std::string cut_to_width(std::string_view text, size_t width, std::string_view ellipsis) {
  if (display_width(text) <= width) {
    return std::string(text);
  }
  const size_t mark = display_width(ellipsis);
  if (mark > width) {
    return std::string(width, '.');
  }
  WidthWalker walker;
  size_t used = 0;
  size_t at = 0;
  while (at < text.size()) {
    const CodePoint point = decode_utf8(text, at);
    const size_t step = walker.step(point);
    if (used + step > width - mark) {
      break;
    }
    used += step;
    at += point.length;
  }
  return std::string(text.substr(0, at)) + std::string(ellipsis);
}

std::string pad_to_width(std::string text, size_t width, Align align) {
  const size_t used = display_width(text);
  if (used >= width) {
    return text;
  }
  const std::string blanks(width - used, ' ');
  return align == Align::kLeft ? text + blanks : blanks + text;
}

}  // namespace cupel::report
