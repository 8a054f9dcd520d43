#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cupel {

/// Finds where the fields of a CSV text end: its commas and line ends outside quotes.
///
/// The text is looked at 64 bytes at a time as bit masks, so that a byte costs a fraction of a
/// cycle whatever it is (the idea of simdjson's first stage: Langdale and Lemire, "Parsing
/// gigabytes of JSON per second", 2019, §3.1). A text in which a quote stands where none may is
/// only recognised: what is wrong with it, and where, is for a scanner that reads byte by byte.
class CsvIndex {
 public:
  explicit CsvIndex(std::string_view text) : text_(text) {}

  /// Goes on by `bytes` (a multiple of 64) or to the end of the text, and writes the places where
  /// fields end to `out`, which has room for bytes + 64. Returns what follows the last one, or
  /// nullptr when a quote stands where none may.
  uint32_t* extend(size_t bytes, uint32_t* out);
  /// Goes through the whole text; the place behind the last line end outside quotes, 0 for none, or
  /// nothing when a quote stands where none may.
  std::optional<size_t> last_record_end();
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

 private:
  uint64_t mask_quoted(const char* data, uint64_t quotes, uint64_t& ends);

  std::string_view text_;
  size_t at_ = 0;
  uint64_t in_quotes_ = 0;          // all ones inside a quoted field
  uint64_t may_open_ = 1;           // bit 0: a quote may open a field at the next byte
  uint64_t closed_ = 0;             // bit 0: the byte before closed a field
  uint64_t closed_and_return_ = 0;  // bit 0: a carriage return, behind a byte that closed a field
};

/// Line ends of a text, and whether it has a double quote at all.
struct LineScan {
  size_t line_ends = 0;
  bool has_quote = false;
};
LineScan scan_lines(std::string_view text);

}  // namespace cupel
