#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/csv_index.h"
#include "base/error.h"
#include "base/result.h"

namespace cupel {

/// Reads the records of a CSV text (RFC 4180) one after another.
///
/// Fields in double quotes may hold commas, line ends and doubled quotes; LF and CRLF end a record,
/// empty lines are skipped. A record that breaks the format does not end the reading: the next call
/// goes on behind it, or behind the line where it begins when its quotes are broken.
/// Cost: about a quarter of a nanosecond a byte while quotes stand where they may; from the first
///       that does not the rest of the text is read byte by byte. Memory: 80 KiB, and 4 bytes for
///       each field of a long record; a record has at most 65,536 fields.
class CsvReader {
 public:
  enum class Step {
    kRecord,  ///< `value(i)` are its fields
    kEnd,
    kBad,  ///< `error()` says why
  };

  /// The text, at most 4 GiB, must outlive the reader. With `width` 0 the first record says how
  /// many fields all must have.
  explicit CsvReader(std::string_view text, size_t width = 0);

  Step next() {
    // The plain case, of which a file is nearly all: enough places are known, all but the last one
    // are commas and the last one is a line end.
    if (!bytewise_ && width_ > 1 && known_ends_ - next_end_ >= width_) {
      const uint32_t* const ends = ends_.get() + next_end_;
      const uint32_t* const last = ends + width_ - 1;
      const uint32_t* end = ends;
      while (end < last && text_[*end] == ',') {
        ++end;
      }
      if (end == last && text_[*last] == '\n') {
        record_ = start_;
        record_ends_ = ends;
        fields_ = width_;
        next_end_ += width_;
        start_ = size_t{*last} + 1;
        return Step::kRecord;
      }
    }
    return next_slowly();
  }
  [[nodiscard]] size_t width() const { return width_; }
  /// A field of the record, without its quotes; valid until `next`.
  [[nodiscard]] std::string_view value(size_t field) {
    const std::string_view text = raw(field);
    return text.empty() || text.front() != '"' ? text : unquoted(field, text);
  }
  /// kCorruptData with the reason; the place is for the caller to add.
  [[nodiscard]] const Error& error() const { return error_; }
  /// The line where the last record, good or bad, begins; the text begins with line 1.
  [[nodiscard]] size_t line();
  /// How many bytes of the text the records so far take.
  [[nodiscard]] size_t position() const { return std::min(start_, text_.size()); }

 private:
  friend size_t whole_csv_records(std::string_view text);

  [[nodiscard]] std::string_view raw(size_t field) const {
    const size_t begin = field == 0 ? record_ : size_t{record_ends_[field - 1]} + 1;
    size_t end = record_ends_[field];
    if (field + 1 == fields_ && end > begin && text_[end - 1] == '\r') {
      --end;
    }
    return {text_.data() + begin, end - begin};
  }
  std::string_view unquoted(size_t field, std::string_view text);
  Step next_slowly();
  Step take(const uint32_t* ends, size_t fields);
  bool more_ends();
  Step next_bytewise();
  bool scan_record();
  bool scan_fields(size_t& at);
  bool scan_bare(size_t& at);
  bool scan_quoted(size_t& at);
  bool fail(Error error);
  [[nodiscard]] bool line_ends_at(size_t at) const {
    return at >= text_.size() || text_[at] == '\n' ||
           (text_[at] == '\r' && (at + 1 == text_.size() || text_[at + 1] == '\n'));
  }

  std::string_view text_;
  size_t width_;
  bool any_width_ = false;
  CsvIndex index_;
  std::unique_ptr<uint32_t[]> ends_;  // places where fields end
  size_t room_;
  size_t next_end_ = 0;    // of ends_, the first of the next record
  size_t known_ends_ = 0;  // of ends_
  size_t start_ = 0;       // where the next record begins
  size_t record_ = 0;      // where the last one began
  const uint32_t* record_ends_ = nullptr;
  size_t fields_ = 0;
  bool bytewise_ = false;
  bool unclosed_ = false;               // why the last record was bad
  std::vector<uint32_t> scanned_ends_;  // of one record, bytewise
  std::vector<std::string> unescaped_;  // per field, where quotes were doubled
  Error error_;
  size_t counted_ = 0;  // the lines before this place are counted
  size_t line_ = 1;
};

/// Length of the longest beginning of a CSV text that is whole records with their line ends; 0 for
/// none. The text begins with a record. A field whose quotes are not closed here may be closed by
/// what follows, so its record is not whole.
size_t whole_csv_records(std::string_view text);

/// Calls `row(fields, line)` for each record of a CSV text as CsvReader reads it, the header
/// included; a byte order mark at the start is skipped.
///
/// `fields` lives until `row` returns; `line` counts from 1 and is the line where the record
/// starts. Errors: kCorruptData `path:line: …` - a record with another number of fields than the
/// first, an
///         unclosed quote, text after a closing quote, a quote inside a bare field; kUnsupported -
///         a text beyond 4 GiB. The first error of `row` ends the reading too and gets the same
///         place.
/// Cost:   one pass; memory of one record.
Result<Ok> for_each_csv(
    std::string_view text,
    const std::string& path,
    const std::function<Result<Ok>(std::span<const std::string_view> fields, size_t line)>& row);

/// A field as it stands in a CSV record: quoted when it holds a comma, a quote or a line end.
std::string csv_field(std::string_view text);

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace cupel
