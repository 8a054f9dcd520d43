#include "train/data/row_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/byte_source.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/parquet.h"
#include "base/record_blocks.h"
#include "base/text.h"

namespace cupel::train {
namespace {

constexpr std::string_view kParquetMagic = "PAR1";

/// All members that some form of a row knows.
const std::vector<std::string>& row_columns() {
  static const std::vector<std::string> kColumns = {
      "messages",     "conversations",  "text",   "prompt", "completion", "response",
      "chosen",       "rejected",       "label",  "tie",    "margin",     "responses",
      "score_chosen", "score_rejected", "weight", "source", "id",         "tools"};
  return kColumns;
}

class JsonlRecords final : public RecordSource {
 public:
  explicit JsonlRecords(RecordBlocks blocks) : blocks_(std::move(blocks)) {}

  Result<Step> next() override {
    CUPEL_TRY(const bool more, find_line());
    Step step{.end = !more, .line = line_};
    if (more) {
      step.value = parse_json(record_);
    }
    return step;
  }

  Result<bool> pass() override { return find_line(); }

 private:
  /// Leaves the next line that is not blank in `record_`.
  Result<bool> find_line() {
    while (true) {
      while (!text_.empty()) {
        const size_t end = std::min(text_.find('\n'), text_.size() - 1) + 1;
        record_ = trim(text_.substr(0, end));
        text_.remove_prefix(end);
        line_ = next_line_++;
        if (!record_.empty()) {
          return true;
        }
      }
      CUPEL_TRY(const bool more, blocks_.next(block_));
      if (!more) {
        return false;
      }
      text_ = block_.text();
      next_line_ = block_.first_line();
      if (next_line_ == 1 && text_.starts_with(kByteOrderMark)) {
        text_.remove_prefix(kByteOrderMark.size());
      }
    }
  }

  RecordBlocks blocks_;
  RecordBlock block_;
  std::string_view text_;
  std::string_view record_;
  size_t line_ = 0;
  size_t next_line_ = 1;
};

class ParquetRecords final : public RecordSource {
 public:
  explicit ParquetRecords(ParquetFile file) : file_(std::move(file)) {}

  Result<Step> next() override {
    CUPEL_TRY(const bool more, pass());
    Step step{.end = !more, .line = line_};
    if (more) {
      step.value = parse_json(file_.value(0, row_ - 1));
    }
    return step;
  }

  Result<bool> pass() override {
    if (row_ == rows_) {
      CUPEL_TRY(rows_, file_.next());
      row_ = 0;
    }
    if (rows_ == 0) {
      return false;
    }
    ++row_;
    ++line_;
    return true;
  }

 private:
  ParquetFile file_;
  size_t rows_ = 0;
  size_t row_ = 0;
  size_t line_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> open_records(const std::string& path,
                                                   std::span<const std::string> ratings) {
  CUPEL_TRY(OpenSource source, open_source(path));
  const bool is_file = path != "-" && !source.is_compressed;
  RecordBlocks blocks(std::move(source));
  CUPEL_TRY(const std::string_view head, blocks.head());
  if (!head.starts_with(kParquetMagic)) {
    return std::unique_ptr<RecordSource>(std::make_unique<JsonlRecords>(std::move(blocks)));
  }
  if (!is_file) {
    return unsupported("{}: Parquet is read from a plain file; save it as one", blocks.name());
  }
  CUPEL_TRY(ParquetFile file, ParquetFile::open(path));
  std::vector<std::string> columns = row_columns();
  std::ranges::copy_if(ratings, std::back_inserter(columns), [](const std::string& name) {
    return std::ranges::find(row_columns(), name) == row_columns().end();
  });
  CUPEL_TRY_VOID(file.select_rows(columns));
  return std::unique_ptr<RecordSource>(std::make_unique<ParquetRecords>(std::move(file)));
}

Result<RowReader> RowReader::create(RowReadOptions options) {
  if (options.paths.empty()) {
    return invalid_argument("no training data; name a file of rows (JSONL or Parquet)");
  }
  return RowReader(std::move(options));
}

Result<bool> RowReader::has_file() {
  if (source_ == nullptr && file_ < options_.paths.size()) {
    CUPEL_TRY(source_, open_records(options_.paths[file_], options_.ratings));
  }
  return source_ != nullptr;
}

Result<Ok> RowReader::reject(Error error) {
  if (!options_.skip_bad) {
    return error;
  }
  if (++skipped_.bad <= static_cast<int64_t>(SkippedRows::kListed)) {
    skipped_.reasons.push_back(std::move(error.message));
  }
  return Ok{};
}

Result<std::optional<Row>> RowReader::next() {
  while (true) {
    CUPEL_TRY(const bool open, has_file());
    if (!open) {
      return std::optional<Row>();
    }
    CUPEL_TRY(RecordSource::Step step, source_->next());
    if (step.end) {
      source_.reset();
      ++file_;
      continue;
    }
    ++position_;
    const std::string& path = options_.paths[file_];
    Result<Row> row =
        step.value.has_value()
            ? parse_row(*step.value, format("{}:{}", path, step.line), options_.fewest_responses)
            : Result<Row>(step.value.error());
    if (!row.has_value()) {
      CUPEL_TRY_VOID(reject(in_file(std::move(row).error(), path, step.line)));
      continue;
    }
    if (has_empty_response(*row)) {
      ++skipped_.empty;
      continue;
    }
    return std::optional<Row>(std::move(*row));
  }
}

Result<Ok> RowReader::skip(int64_t records) {
  for (int64_t left = records; left > 0;) {
    CUPEL_TRY(const bool open, has_file());
    if (!open) {
      return failed_precondition(
          "{}: ends {} records before the place to go on from; the file has become shorter",
          options_.paths.back(), left);
    }
    CUPEL_TRY(const bool passed, source_->pass());
    if (passed) {
      ++position_;
      --left;
    } else {
      source_.reset();
      ++file_;
    }
  }
  return Ok{};
}

}  // namespace cupel::train
