#include "base/csv.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr size_t kWindow = size_t{16} << 10U;  // its places and its bytes stay in the first cache
constexpr size_t kSlack = 64;                  // CsvIndex::extend writes so far beyond the last one
constexpr size_t kKept = 4096;         // places of a record that the window cut: room for most
constexpr size_t kMostFields = 65536;  // of a record; bounds the memory that a line can ask for

}  // namespace

CsvReader::CsvReader(std::string_view text, size_t width)
    : text_(text),
      width_(width),
      index_(text),
      ends_(std::make_unique_for_overwrite<uint32_t[]>(kWindow + kSlack + kKept)),
      room_(kWindow + kSlack + kKept) {
  CUPEL_CHECK(text.size() < UINT32_MAX, "places of a CSV text are 32 bits");
}

CsvReader::Step CsvReader::next_slowly() {
  size_t commas = 0;  // how many places of the next record are known to be no line end
  while (!bytewise_) {
    while (next_end_ + commas < known_ends_ && text_[ends_[next_end_ + commas]] == ',') {
      ++commas;
    }
    if (next_end_ + commas < known_ends_ && commas < kMostFields) {
      const uint32_t* ends = ends_.get() + next_end_;
      next_end_ += commas + 1;
      if (const Step step = take(ends, commas + 1); step != Step::kEnd) {
        return step;
      }
      commas = 0;
    } else {
      // Reading byte by byte says what is wrong with too many fields or a quote, and takes a last
      // record without a line end.
      bytewise_ = commas >= kMostFields || index_.at_end() || !more_ends();
    }
  }
  return next_bytewise();
}

/// Makes these fields the record; kEnd stands for an empty line.
CsvReader::Step CsvReader::take(const uint32_t* ends, size_t fields) {
  record_ = start_;
  record_ends_ = ends;
  fields_ = fields;
  start_ = size_t{ends[fields - 1]} + 1;
  if (fields == 1 && raw(0).empty()) {
    return Step::kEnd;
  }
  if (width_ == 0) {
    width_ = fields;
  }
  if (fields != width_ && !any_width_) {
    const bool cut = start_ > text_.size() && fields < width_;
    fail(corrupt_data("{} fields, but the header has {}{}", fields, width_,
                      cut ? "; the file ends in the middle of this row" : ""));
    return Step::kBad;
  }
  return Step::kRecord;
}

/// Indexes the next window, behind the places of the record that it completes. False when a quote
/// stands where none may.
bool CsvReader::more_ends() {
  const size_t kept = known_ends_ - next_end_;
  if (kept + kWindow + kSlack > room_) {
    room_ = 2 * (kept + kWindow + kSlack);
    auto wider = std::make_unique_for_overwrite<uint32_t[]>(room_);
    std::copy_n(ends_.get() + next_end_, kept, wider.get());
    ends_ = std::move(wider);
  } else if (next_end_ > 0) {
    std::copy_n(ends_.get() + next_end_, kept, ends_.get());
  }
  next_end_ = 0;
  const uint32_t* end = index_.extend(kWindow, ends_.get() + kept);
  if (end == nullptr) {
    return false;
  }
  known_ends_ = static_cast<size_t>(end - ends_.get());
  return true;
}

CsvReader::Step CsvReader::next_bytewise() {
  while (start_ < text_.size()) {
    if (!scan_record()) {
      // Nothing says where a record of broken quotes ends: the next line is as good a guess as any.
      const size_t line_end = text_.find('\n', record_);
      start_ = line_end == std::string_view::npos ? text_.size() : line_end + 1;
      return Step::kBad;
    }
    if (const Step step = take(scanned_ends_.data(), scanned_ends_.size()); step != Step::kEnd) {
      return step;
    }
  }
  return Step::kEnd;
}

/// Finds the places of one record, or what is wrong with it.
bool CsvReader::scan_record() {
  record_ = start_;
  scanned_ends_.clear();
  size_t at = start_;
  if (scan_fields(at)) {
    return true;
  }
  // Beyond the first line nobody can tell which quote is the wrong one. It also must not depend on
  // how much of the text is seen: a record of broken quotes ends with its first line, and a block
  // of records may end there.
  if (unclosed_ || text_.find('\n', record_) < at) {
    error_ = corrupt_data(
        "a quoted field that starts here is never closed, or a quote on a later line is not "
        "doubled");
  }
  return false;
}

bool CsvReader::scan_fields(size_t& at) {
  while (true) {
    if (at < text_.size() && text_[at] == '"') {
      if (!scan_quoted(at)) {
        return false;
      }
    } else if (!scan_bare(at)) {
      return false;
    }
    const bool comma = at < text_.size() && text_[at] == ',';
    at += !comma && at < text_.size() && text_[at] == '\r' ? 1 : 0;
    scanned_ends_.push_back(static_cast<uint32_t>(at));
    if (!comma) {
      return true;
    }
    if (scanned_ends_.size() >= kMostFields) {
      return fail(corrupt_data("more than {} fields; is this a CSV file?", kMostFields));
    }
    ++at;
  }
}

bool CsvReader::scan_bare(size_t& at) {
  for (; !line_ends_at(at) && text_[at] != ','; ++at) {
    if (text_[at] == '"') {
      return fail(corrupt_data(
          "field {} has a quote inside an unquoted field; quote the whole field and double the "
          "quote",
          scanned_ends_.size() + 1));
    }
  }
  return true;
}

/// From an opening quote to the comma or line end behind the closing one.
bool CsvReader::scan_quoted(size_t& at) {
  ++at;
  while (true) {
    const size_t quote = text_.find('"', at);
    if (quote == std::string_view::npos) {
      fail({});
      unclosed_ = true;
      return false;
    }
    at = quote + 1;
    if (at >= text_.size() || text_[at] != '"') {
      break;
    }
    ++at;
  }
  if (!line_ends_at(at) && text_[at] != ',') {
    return fail(corrupt_data(
        "text follows the closing quote of a field; expected a comma or the end of the line"));
  }
  return true;
}

bool CsvReader::fail(Error error) {
  error_ = std::move(error);
  unclosed_ = false;
  return false;
}

size_t CsvReader::line() {
  line_ += scan_lines(text_.substr(counted_, record_ - counted_)).line_ends;
  counted_ = record_;
  return line_;
}

std::string_view CsvReader::unquoted(size_t field, std::string_view text) {
  const std::string_view inner = text.substr(1, text.size() - 2);
  if (std::memchr(inner.data(), '"', inner.size()) == nullptr) {
    return inner;
  }
  if (unescaped_.size() < fields_) {
    unescaped_.resize(fields_);  // of no record yet: the views of this one would move
  }
  std::string& plain = unescaped_[field];
  plain.clear();
  for (size_t i = 0; i < inner.size(); ++i) {
    plain += inner[i];
    i += inner[i] == '"' ? 1 : 0;
  }
  return plain;
}

size_t whole_csv_records(std::string_view text) {
  if (const auto end = CsvIndex(text).last_record_end()) {
    return *end;
  }
  CsvReader reader(text);
  reader.bytewise_ = true;
  reader.any_width_ = true;
  size_t whole = 0;
  while (true) {
    const CsvReader::Step step = reader.next();
    const bool open = step == CsvReader::Step::kBad && reader.unclosed_;
    if (step == CsvReader::Step::kEnd || open) {
      return open ? reader.record_ : whole;
    }
    if (reader.start_ <= text.size() && text[reader.start_ - 1] == '\n') {
      whole = reader.start_;
    }
  }
}

Result<Ok> for_each_csv(
    std::string_view text,
    const std::string& path,
    const std::function<Result<Ok>(std::span<const std::string_view> fields, size_t line)>& row) {
  if (text.size() >= UINT32_MAX) {
    return unsupported("{}: a CSV text of {} bytes; at most 4 GiB are read at once", path,
                       text.size());
  }
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  CsvReader reader(text);
  std::vector<std::string_view> fields;
  for (auto step = reader.next(); step != CsvReader::Step::kEnd; step = reader.next()) {
    if (step == CsvReader::Step::kBad) {
      return in_file(reader.error(), path, reader.line());
    }
    fields.resize(reader.width());
    for (size_t i = 0; i < fields.size(); ++i) {
      fields[i] = reader.value(i);
    }
    auto outcome = row(fields, reader.line());
    if (!outcome.has_value()) {
      return in_file(std::move(outcome).error(), path, reader.line());
    }
  }
  return Ok{};
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  return "\"" + replace_all(std::string(text), "\"", "\"\"") + "\"";
}

}  // namespace cupel
