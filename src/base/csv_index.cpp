#include "base/csv_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/byte_masks.h"

namespace cupel {
namespace {

constexpr size_t kChunk = 64;

/// Writes the places of the set bits, eight at a time whether there are so many or not: a loop that
/// ends with the bits would be mispredicted at nearly every chunk. Room for 64 must be there.
uint32_t* write_places(uint64_t bits, uint32_t base, uint32_t* out) {
  constexpr uint64_t kGuard = uint64_t{1} << 63U;  // no count of zeros has to ask whether all are
  const uint32_t count = count_bits(bits);
  for (uint32_t written = 0; written < count; written += 8) {
    for (uint32_t i = 0; i < 8; ++i) {
      // Beyond the last bit this writes a place that the next call replaces.
      out[written + i] = base + static_cast<uint32_t>(std::countr_zero(bits | kGuard));
      bits &= bits - 1;
    }
  }
  return out + count;
}

/// The bytes there, or a copy with zeros behind when there are fewer than a chunk.
const char* whole_chunk(const char* data, size_t size, char (&copy)[kChunk]) {
  if (size >= kChunk) {
    return data;
  }
  std::memset(copy, 0, kChunk);
  std::memcpy(copy, data, size);
  return copy;
}

}  // namespace

uint32_t* CsvIndex::extend(size_t bytes, uint32_t* out) {
  const size_t stop = std::min(text_.size(), at_ + bytes);
  char copy[kChunk];
  for (; at_ < stop; at_ += kChunk) {
    const size_t size = std::min(kChunk, text_.size() - at_);
    const char* data = whole_chunk(text_.data() + at_, size, copy);
    const ByteBlock block(data);
    uint64_t ends = block.equal_either(',', '\n');
    const uint64_t quotes = block.equal('"');
    if ((quotes | in_quotes_ | closed_ | closed_and_return_) == 0) {
      may_open_ = ends >> 63U;
    } else if (uint64_t wrong = mask_quoted(data, quotes, ends); wrong != 0) {
      // The end of the text closes a field as well as a comma does.
      if (size == kChunk || (wrong & ((uint64_t{1} << size) - 1)) != 0) {
        return nullptr;
      }
    }
    out = write_places(ends, static_cast<uint32_t>(at_), out);
  }
  at_ = std::min(at_, text_.size());
  return out;
}

std::optional<size_t> CsvIndex::last_record_end() {
  size_t end = 0;
  char copy[kChunk];
  for (; at_ < text_.size(); at_ += kChunk) {
    const size_t size = std::min(kChunk, text_.size() - at_);
    const char* data = whole_chunk(text_.data() + at_, size, copy);
    const ByteBlock block(data);
    uint64_t line_ends = block.equal('\n');
    const uint64_t quotes = block.equal('"');
    if ((quotes | in_quotes_ | closed_ | closed_and_return_) == 0) {
      may_open_ = block.equal_either(',', '\n') >> 63U;
    } else {
      uint64_t ends = block.equal_either(',', '\n');
      const uint64_t wrong = mask_quoted(data, quotes, ends);
      if (wrong != 0 && (size == kChunk || (wrong & ((uint64_t{1} << size) - 1)) != 0)) {
        return std::nullopt;
      }
      line_ends &= ends;
    }
    if (line_ends != 0) {
      end = at_ + 64 - static_cast<size_t>(std::countl_zero(line_ends));
    }
  }
  at_ = text_.size();
  return end;
}

uint64_t CsvIndex::mask_quoted(const char* data, uint64_t quotes, uint64_t& ends) {
  const ByteBlock block(data);
  const uint64_t returns = block.equal('\r');
  const uint64_t line_ends = block.equal('\n');
  // From an opening quote on to the byte before the closing one. A doubled quote closes and opens.
  const uint64_t inside = running_parity(quotes) ^ in_quotes_;
  const uint64_t opening = quotes & inside;
  const uint64_t closing = quotes & ~inside;
  const uint64_t behind_closing = closing << 1U | closed_;
  const uint64_t returns_behind = behind_closing & returns;
  const uint64_t behind_return = returns_behind << 1U | closed_and_return_;
  const uint64_t wrong = (opening & ~((ends | quotes) << 1U | may_open_)) |
                         (behind_closing & ~(ends | quotes | returns)) |
                         (behind_return & ~line_ends);
  may_open_ = (ends | quotes) >> 63U;
  closed_ = closing >> 63U;
  closed_and_return_ = returns_behind >> 63U;
  in_quotes_ = (inside >> 63U) != 0 ? ~uint64_t{0} : 0;
  ends &= ~inside;
  return wrong;
}

LineScan scan_lines(std::string_view text) {
  LineScan scan;
  uint64_t quotes = 0;
  char copy[kChunk];
  for (size_t at = 0; at < text.size(); at += kChunk) {
    const ByteBlock block(whole_chunk(text.data() + at, text.size() - at, copy));
    scan.line_ends += count_bits(block.equal('\n'));
    quotes |= block.equal('"');
  }
  scan.has_quote = quotes != 0;
  return scan;
}

}  // namespace cupel
