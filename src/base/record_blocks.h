#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/byte_source.h"
#include "base/result.h"

namespace cupel {

/// How records end: at any line end, or (CSV) at those outside quotes.
enum class RecordKind { kLines, kCsv };

/// Whole records, one after another; its memory is used again by the next block read into it.
class RecordBlock {
 public:
  [[nodiscard]] std::string_view text() const { return {memory_.get(), size_}; }
  /// The line of the source where `text` begins; the source begins with line 1.
  [[nodiscard]] size_t first_line() const { return first_line_; }
  /// Whether the source ends with it.
  [[nodiscard]] bool is_last() const { return is_last_; }

 private:
  friend class RecordBlocks;
  void grow(size_t room, size_t kept);
  std::unique_ptr<char[]> memory_;
  size_t room_ = 0;
  size_t size_ = 0;
  size_t first_line_ = 1;
  bool is_last_ = false;
};

/// Bounds of RecordBlocks.
struct RecordLimits {
  size_t block_bytes = size_t{1} << 18U;    ///< of a block, unless one record is longer
  size_t record_bytes = size_t{64} << 20U;  ///< of a record; ≥ block_bytes
};

/// Cuts a source into blocks of whole records, so that several threads can parse it.
///
/// Where the blocks are cut depends on the bytes and the limits alone. The last record needs no
/// line end. A CSV record whose quotes are broken ends where CsvReader goes on behind it; one that
/// does not end within the limit is handed out up to its first line end, for the reader to say what
/// is wrong.
/// Memory: one block and what is left of the one before; never more than the limit of a record.
class RecordBlocks {
 public:
  explicit RecordBlocks(OpenSource source, const RecordLimits& limits = {})
      : source_(std::move(source)), limits_(limits) {}

  /// The first bytes of the source, 4096 of them or a block where that is more, without taking
  /// them. Before the first `next`.
  Result<std::string_view> head();
  void set_kind(RecordKind kind) { kind_ = kind; }

  /// Reads the next records into `block`; false at the end. Not for several threads at once.
  /// Errors: those of the source; kCorruptData `path:line: …` - a line longer than the limit.
  Result<bool> next(RecordBlock& block);
  [[nodiscard]] const std::string& name() const { return source_.name; }

 private:
  /// The beginning of a block that is whole records.
  struct Cut {
    size_t bytes = 0;
    size_t line_ends = 0;
  };
  [[nodiscard]] Cut whole_records(std::string_view text) const;
  Result<size_t> read(std::span<char> out);
  Result<Ok> fill(RecordBlock& block, size_t room);
  Result<Cut> cut(RecordBlock& block);

  OpenSource source_;
  RecordLimits limits_;
  RecordKind kind_ = RecordKind::kLines;
  std::string head_;
  size_t head_taken_ = 0;
  std::string left_;  // read already, but not handed out yet
  size_t line_ = 1;   // where `left_` begins
  bool at_end_ = false;
};

}  // namespace cupel
