#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel::train {

/// How sequences share the rows of a batch.
enum class Packing {
  kNone,       ///< one sequence each
  kWrapped,    ///< one stream, cut every `length` tokens
  kBfd,        ///< best fit, longest first; what is longer than `length` is cut off
  kBfdSplit,   ///< the same, but what would be cut off is packed as a sequence of its own
  kMultipack,  ///< whole sequences of an optimiser step, spread evenly over ranks (`multipack`)
};
/// The names recipes use: "none", "wrapped", "bfd", "bfd_split", "multipack".
std::span<const std::string_view> packing_names();
/// Errors: kInvalidArgument - an unknown name, with the nearest known one.
Result<Packing> parse_packing(std::string_view name);

/// Tokens [begin, end) of an item (an example, or a group of answers).
struct Piece {
  int64_t item = 0;
  int64_t begin = 0;
  int64_t end = 0;
  [[nodiscard]] int64_t length() const { return end - begin; }
  bool operator==(const Piece&) const = default;
};
/// Pieces that share one row of at most `length` tokens.
using Bin = std::vector<Piece>;

/// Packs items of those lengths (≥ 1, in the order of `items`) into bins of `length` ≥ 1 tokens.
///
/// Best fit: the longest piece first (of equal ones the earlier), each into the bin where it leaves
/// the least room (of equal ones the older), else into a new one. kNone gives each item, cut to
/// `length`, a bin of its own; kMultipack as well, uncut: its packing is that of a whole step.
/// Cost: O(n log n). Source: TRL's packing strategies of the same names.
std::vector<Bin> pack(std::span<const int64_t> items,
                      std::span<const int64_t> lengths,
                      int64_t length,
                      Packing packing);

/// Cuts a stream of items into bins of exactly `length` tokens, one call after another; the last
/// bin, not yet full, stays in `open`.
void pack_wrapped(std::span<const int64_t> items,
                  std::span<const int64_t> lengths,
                  int64_t length,
                  Bin& open,
                  std::vector<Bin>& bins);

/// Spreads the items of one optimiser step over ranks, so that no rank holds more than `budget`
/// tokens in any of its micro-batches: result[k][r] are the items of micro-batch k of rank r;
/// ranks short of work get an empty one.
///
/// Longest first; each micro-batch takes as many items as fit when the next longest always goes to
/// the rank with the fewest tokens (found by bisection). Errors: kInvalidArgument - an item longer
/// than the budget. Cost: O(n log n log r) for each micro-batch.
/// Source: Pareja et al. 2024, "Unveiling the Secret Recipe", §3 (multipack of OpenChat).
Result<std::vector<std::vector<std::vector<int64_t>>>> multipack(std::span<const int64_t> items,
                                                                 std::span<const int64_t> lengths,
                                                                 int64_t ranks,
                                                                 int64_t budget);

/// Tokens of a bin.
int64_t bin_tokens(const Bin& bin);

}  // namespace cupel::train
