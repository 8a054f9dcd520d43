#include "base/csv.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace cupel {
namespace {

/// Cuts a text into records; a field is a view of the text, or of `unescaped_` where quotes were
/// doubled.
class CsvScanner {
 public:
  explicit CsvScanner(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) {
      at_ = 3;
    }
  }

  /// Reads the next record into `fields`; false at the end.
  Result<bool> next(std::vector<std::string_view>& fields) {
    skip_empty_lines();
    fields.clear();
    unescaped_.clear();
    record_line_ = line_;
    if (at_ >= text_.size()) {
      return false;
    }
    while (true) {
      const bool quoted = at_ < text_.size() && text_[at_] == '"';
      auto field = quoted ? quoted_field() : bare_field(fields.size() + 1);
      CUPEL_TRY(const std::string_view value, std::move(field));
      fields.push_back(value);
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      end_line();
      return true;
    }
  }
  [[nodiscard]] size_t record_line() const { return record_line_; }

 private:
  [[nodiscard]] bool at_line_end() const {
    return at_ >= text_.size() || text_[at_] == '\n' ||
           (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
  }
  void end_line() {
    if (at_ < text_.size() && text_[at_] == '\r') {
      ++at_;
    }
    if (at_ < text_.size()) {
      ++at_;
    }
    ++line_;
  }
  void skip_empty_lines() {
    while (at_ < text_.size() && at_line_end()) {
      end_line();
    }
  }
  Result<std::string_view> bare_field(size_t number) {
    const size_t start = at_;
    while (!at_line_end() && text_[at_] != ',') {
      if (text_[at_] == '"') {
        return corrupt_data(
            "field {} has a quote inside an unquoted field; quote the whole field and double the "
            "quote",
            number);
      }
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }
  Result<std::string_view> quoted_field() {
    const size_t start = ++at_;
    bool doubled = false;
    while (true) {
      const size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        return corrupt_data("a quoted field that starts here is never closed");
      }
      if (quote + 1 >= text_.size() || text_[quote + 1] != '"') {
        at_ = quote + 1;
        return finish_quoted(text_.substr(start, quote - start), doubled);
      }
      doubled = true;
      at_ = quote + 2;
    }
  }
  Result<std::string_view> finish_quoted(std::string_view raw, bool doubled) {
    if (!at_line_end() && text_[at_] != ',') {
      return corrupt_data(
          "text follows the closing quote of a field; expected a comma or the end of the line");
    }
    line_ += static_cast<size_t>(std::count(raw.begin(), raw.end(), '\n'));
    if (!doubled) {
      return raw;
    }
    // A deque does not move its strings, so earlier views stay valid.
    unescaped_.push_back(replace_all(std::string(raw), "\"\"", "\""));
    return std::string_view(unescaped_.back());
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t record_line_ = 1;
  std::deque<std::string> unescaped_;
};

}  // namespace

Result<Ok> for_each_csv(
    std::string_view text,
    const std::string& path,
    const std::function<Result<Ok>(std::span<const std::string_view> fields, size_t line)>& row) {
  CsvScanner scanner(text);
  std::vector<std::string_view> fields;
  size_t width = 0;
  while (true) {
    auto more = scanner.next(fields);
    if (!more.has_value()) {
      return in_file(std::move(more).error(), path, scanner.record_line());
    }
    if (!*more) {
      return Ok{};
    }
    if (width == 0) {
      width = fields.size();
    }
    if (fields.size() != width) {
      return in_file(corrupt_data("{} fields, but the header has {}", fields.size(), width), path,
                     scanner.record_line());
    }
    auto outcome = row(fields, scanner.record_line());
    if (!outcome.has_value()) {
      return in_file(std::move(outcome).error(), path, scanner.record_line());
    }
  }
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  return "\"" + replace_all(std::string(text), "\"", "\"\"") + "\"";
}

}  // namespace cupel
