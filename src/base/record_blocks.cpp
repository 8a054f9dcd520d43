#include "base/record_blocks.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/csv.h"
#include "base/error.h"

namespace cupel {
namespace {

// What a format is told apart by does not depend on how large the blocks are.
constexpr size_t kHeadBytes = 4096;

}  // namespace

void RecordBlock::grow(size_t room, size_t kept) {
  if (room <= room_) {
    return;
  }
  auto wider = std::make_unique_for_overwrite<char[]>(room);
  std::copy_n(memory_.get(), kept, wider.get());
  memory_ = std::move(wider);
  room_ = room;
}

Result<std::string_view> RecordBlocks::head() {
  if (head_.empty()) {
    head_.resize(std::max(limits_.block_bytes, kHeadBytes));
    CUPEL_TRY(const size_t got, source_.bytes->read(head_));
    head_.resize(got);
  }
  return std::string_view(head_);
}

/// As the source's, of which the head was read already.
Result<size_t> RecordBlocks::read(std::span<char> out) {
  const size_t known = std::min(out.size(), head_.size() - head_taken_);
  std::copy_n(head_.data() + head_taken_, known, out.data());
  head_taken_ += known;
  if (known == out.size()) {
    return known;
  }
  head_ = {};
  head_taken_ = 0;
  CUPEL_TRY(const size_t got, source_.bytes->read(out.subspan(known)));
  return known + got;
}

/// Reads on until the block holds `room` bytes or the source ends.
Result<Ok> RecordBlocks::fill(RecordBlock& block, size_t room) {
  block.grow(room, block.size_);
  if (!at_end_ && block.size_ < room) {
    const size_t wanted = room - block.size_;
    CUPEL_TRY(const size_t got, read({block.memory_.get() + block.size_, wanted}));
    at_end_ = got < wanted;
    block.size_ += got;
  }
  return Ok{};
}

RecordBlocks::Cut RecordBlocks::whole_records(std::string_view text) const {
  const LineScan scan = scan_lines(text);
  if (at_end_) {
    return {text.size(), scan.line_ends};
  }
  if (kind_ == RecordKind::kLines || !scan.has_quote) {
    return {text.rfind('\n') + 1, scan.line_ends};  // npos + 1 is 0
  }
  const size_t whole = whole_csv_records(text);
  return {whole, scan_lines(text.substr(0, whole)).line_ends};
}

/// How much of the block is whole records; reads more while it is not even one.
Result<RecordBlocks::Cut> RecordBlocks::cut(RecordBlock& block) {
  size_t room = std::max(limits_.block_bytes, left_.size());
  block.size_ = 0;
  block.grow(room, 0);
  std::copy_n(left_.data(), left_.size(), block.memory_.get());
  block.size_ = left_.size();
  while (true) {
    CUPEL_TRY_VOID(fill(block, room));
    const Cut found = whole_records(block.text());
    if (found.bytes > 0 || at_end_) {
      return found;
    }
    if (room >= limits_.record_bytes) {
      if (const size_t line_end = block.text().find('\n'); line_end != std::string_view::npos) {
        return Cut{line_end + 1, 1};
      }
      return in_file(corrupt_data("the line is longer than {} MiB; expected one record a line, or "
                                  "line ends as LF or CRLF",
                                  limits_.record_bytes >> 20U),
                     source_.name, line_);
    }
    room = std::min(2 * room, limits_.record_bytes);
  }
}

Result<bool> RecordBlocks::next(RecordBlock& block) {
  CUPEL_TRY(const Cut whole, cut(block));
  left_.assign(block.memory_.get() + whole.bytes, block.size_ - whole.bytes);
  block.size_ = whole.bytes;
  block.first_line_ = line_;
  block.is_last_ = at_end_ && left_.empty();
  line_ += whole.line_ends;
  return whole.bytes > 0;
}

}  // namespace cupel
