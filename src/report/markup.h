#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace cupel::report {

/// The text made safe between tags and inside double-quoted attributes of HTML and SVG: the five
/// special characters become references; invalid bytes and control characters other than tab and
/// line feed become U+FFFD (a carriage return becomes a line feed, "\r\n" one).
std::string escape_markup(std::string_view text);

/// One attribute; a default-constructed value (`{}`) leaves the attribute out, "" keeps it empty.
struct Attribute {
  std::string_view name;
  std::string_view value;
};

/// Writes well-formed HTML or SVG: every text and attribute value is escaped, every element closed.
///
/// Tag and attribute names are literals of our own, never data. `close()` without an open element
/// and `take()` with one still open are bugs (CUPEL_CHECK).
class Markup {
 public:
  using Attributes = std::initializer_list<Attribute>;

  Markup& open(std::string_view tag, Attributes attributes = {});
  Markup& close();
  /// An element without content: `<br/>`, `<rect …/>`. In HTML only for void elements.
  Markup& leaf(std::string_view tag, Attributes attributes = {});
  /// open, text, close.
  Markup& element(std::string_view tag, Attributes attributes, std::string_view text);
  Markup& element(std::string_view tag, std::string_view text) { return element(tag, {}, text); }
  Markup& text(std::string_view text);
  /// Markup that was made here, e.g. a figure inside a page. Never data.
  Markup& trusted(std::string_view markup);
  [[nodiscard]] std::string take() &&;

 private:
  void start(std::string_view tag, Attributes attributes, std::string_view end);
  std::string out_;
  std::vector<std::string_view> open_;
};

}  // namespace cupel::report
