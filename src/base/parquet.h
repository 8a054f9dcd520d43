#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/parquet_module.h"
#include "base/result.h"

namespace cupel {

/// Chosen columns of a Parquet file, batch by batch, as text.
///
/// Texts (also dictionary-encoded), whole numbers, numbers and booleans ("true", "false"); null is
/// the empty text. Or whole rows as JSON objects, lists and structs included. What is not chosen is
/// never read. The reader itself is Apache Arrow's, in a
/// module of its own (cupel-parquet.so, built when scripts/setup.sh parquet has fetched Arrow) that
/// is loaded with the first file: without one, cupel neither needs Arrow nor starts slower.
/// Movable; not for several threads at once.
class ParquetFile {
 public:
  /// Errors: kFailedPrecondition - the module is not there (the command that brings it);
  ///         kNotFound; kCorruptData - no Parquet, damaged or cut.
  static Result<ParquetFile> open(const std::string& path);

  /// All columns that hold values: members of structs as "a.b".
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }

  /// Chooses the columns to read, by name, before the first `next`.
  /// Errors: kInvalidArgument - an absent column; kUnsupported - file, column, its type and those
  ///         expected.
  Result<Ok> select(std::span<const std::string> columns);
  /// Chooses instead whole rows: `value(0, row)` is a JSON object of those of the named top-level
  /// columns that the file has. Its numbers are those of the file, except that NaN is null.
  /// Errors: kInvalidArgument - it has none of them; kUnsupported - column and type (dates, maps).
  Result<Ok> select_rows(std::span<const std::string> columns);
  /// Reads the next batch; its rows, 0 at the end.
  Result<size_t> next();
  /// A value of the batch: of the chosen column of that number, at a row < what `next` returned.
  [[nodiscard]] std::string_view value(size_t column, size_t row) const {
    const CupelParquetColumn& chosen = chosen_[column];
    return {chosen.bytes + chosen.offsets[row],
            static_cast<size_t>(chosen.offsets[row + 1] - chosen.offsets[row])};
  }

 private:
  struct Close {
    const CupelParquetApi* api;
    void operator()(void* file) const { api->close(file); }
  };
  ParquetFile(std::string path, const CupelParquetApi* api, void* file)
      : path_(std::move(path)), api_(api), file_(file, Close{api}) {}

  std::string path_;
  const CupelParquetApi* api_;
  std::unique_ptr<void, Close> file_;
  std::vector<std::string> columns_;
  std::vector<CupelParquetColumn> chosen_;
};

}  // namespace cupel
