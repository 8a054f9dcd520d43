#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/data/row.h"

namespace cupel::train {

/// What a file is made of: JSON values, one after another, each with its line (JSONL) or row
/// (Parquet), counted from 1.
class RecordSource {
 public:
  /// What `next` gives for a record: it, or why it is none. A bad one does not end the reading.
  struct Step {
    bool end = false;
    size_t line = 0;
    Result<Json> value = Json();
  };

  virtual ~RecordSource() = default;
  /// Errors: the file cannot be read any further.
  virtual Result<Step> next() = 0;
  /// Passes over a record without parsing it; false at the end.
  virtual Result<bool> pass() = 0;
};
/// Opens JSONL (plain, gzip, zstd; "-" is standard input) or Parquet, which its first bytes tell.
/// Of Parquet the members that forms of rows know are read, and those that are called `ratings`.
/// Errors: those of open_source and ParquetFile; kUnsupported - Parquet from a pipe.
Result<std::unique_ptr<RecordSource>> open_records(const std::string& path,
                                                   std::span<const std::string> ratings = {});

struct RowReadOptions {
  std::vector<std::string> paths;    ///< read one after another
  bool skip_bad = false;             ///< leave out and count rows that break the format
  size_t fewest_responses = 2;       ///< of a ranked row (parse_row)
  std::vector<std::string> ratings;  ///< members that rate an answer (open_records)
};

/// What was left out.
struct SkippedRows {
  static constexpr size_t kListed = 20;
  int64_t bad = 0;
  int64_t empty = 0;                 ///< an answer without text
  std::vector<std::string> reasons;  ///< of bad rows, "file:line: …", the first kListed
};

/// Streams the rows of training files.
///
/// A record is a line that is not blank, or a row of Parquet; `position` counts them over all
/// files, skipped ones included, so that a reader can go on where another stopped.
/// Memory: one block of a file (256 KiB, or its longest line, at most 64 MiB) and one row.
class RowReader {
 public:
  /// Errors: kInvalidArgument - no paths.
  static Result<RowReader> create(RowReadOptions options);

  /// The next row, nothing at the end. Errors: "file:line: …" of the first malformed row (unless
  /// `skip_bad`); those of reading.
  Result<std::optional<Row>> next();
  /// Passes over that many records without parsing them.
  /// Errors: kFailedPrecondition - the files end before: they have changed.
  Result<Ok> skip(int64_t records);

  [[nodiscard]] int64_t position() const { return position_; }
  [[nodiscard]] const SkippedRows& skipped() const { return skipped_; }

 private:
  explicit RowReader(RowReadOptions options) : options_(std::move(options)) {}
  /// Whether a file is open; opens the next one.
  Result<bool> has_file();
  Result<Ok> reject(Error error);

  RowReadOptions options_;
  size_t file_ = 0;
  std::unique_ptr<RecordSource> source_;
  int64_t position_ = 0;
  SkippedRows skipped_;
};

}  // namespace cupel::train
