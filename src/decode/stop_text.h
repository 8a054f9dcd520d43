#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cupel::decode {

/// Text of one answer while it grows: hands out only what can no longer become part of a stop
/// string.
class StopText {
 public:
  /// `expected_bytes`: of the text, so that it need not grow while it is streamed.
  explicit StopText(std::vector<std::string> stops, size_t expected_bytes = 0)
      : stops_(std::move(stops)) {
    text_.reserve(expected_bytes);
  }

  /// Adds decoded text; true when a stop string is complete. The text then ends before it.
  bool push(std::string_view piece);
  /// Text that may be shown and was not handed out before; a view that the next push ends. With
  /// `final`, everything.
  std::string_view take(bool final);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  [[nodiscard]] size_t unsafe_suffix() const;

  std::vector<std::string> stops_;
  std::string text_;
  size_t shown_ = 0;
};

}  // namespace cupel::decode
