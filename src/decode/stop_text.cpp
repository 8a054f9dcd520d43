#include "decode/stop_text.h"

#include <algorithm>

namespace cupel::decode {

bool StopText::push(std::string_view piece) {
  const size_t before = text_.size();
  text_ += piece;
  size_t earliest = std::string::npos;
  for (const std::string& stop : stops_) {
    const size_t from = before >= stop.size() ? before - stop.size() + 1 : 0;
    earliest = std::min(earliest, text_.find(stop, from));
  }
  if (earliest == std::string::npos) {
    return false;
  }
  text_.resize(earliest);
  return true;
}

std::string_view StopText::take(bool final) {
  const size_t end = final ? text_.size() : text_.size() - unsafe_suffix();
  if (end <= shown_) {
    return {};
  }
  const std::string_view piece = std::string_view(text_).substr(shown_, end - shown_);
  shown_ = end;
  return piece;
}

// Length of the longest end of the text that begins a stop string.
size_t StopText::unsafe_suffix() const {
  size_t longest = 0;
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(stop.size() - 1, text_.size()); n > longest; --n) {
      if (text_.ends_with(std::string_view(stop).substr(0, n))) {
        longest = n;
        break;
      }
    }
  }
  return longest;
}

}  // namespace cupel::decode
