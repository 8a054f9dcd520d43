#include "train/data/packing.h"

#include <algorithm>
#include <array>
#include <queue>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/named_values.h"

namespace cupel::train {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"none", "wrapped", "bfd", "bfd_split",
                                                    "multipack"};

/// Whole items; those longer than `length` are cut off or go on in further pieces.
std::vector<Piece> pieces_of(std::span<const int64_t> items,
                             std::span<const int64_t> lengths,
                             int64_t length,
                             bool keep_rest) {
  std::vector<Piece> pieces;
  for (const int64_t item : items) {
    const int64_t tokens = lengths[static_cast<size_t>(item)];
    CUPEL_DCHECK(tokens > 0, "an item to pack is empty");
    for (int64_t begin = 0; begin < tokens; begin += length) {
      pieces.push_back({item, begin, std::min(tokens, begin + length)});
      if (!keep_rest) {
        break;
      }
    }
  }
  return pieces;
}

std::vector<Bin> best_fit_decreasing(std::vector<Piece> pieces, int64_t length) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.length() > b.length(); });
  std::vector<Bin> bins;
  std::set<std::pair<int64_t, size_t>> room;  // what is left in a bin, the bin
  for (const Piece& piece : pieces) {
    const auto fit = room.lower_bound({piece.length(), 0});
    size_t bin = bins.size();
    int64_t left = length;
    if (fit == room.end()) {
      bins.emplace_back();
    } else {
      left = fit->first;
      bin = fit->second;
      room.erase(fit);
    }
    bins[bin].push_back(piece);
    if (left > piece.length()) {
      room.insert({left - piece.length(), bin});
    }
  }
  return bins;
}

/// Gives items, longest first, to the rank with the fewest tokens; false when one does not fit.
bool spread(std::span<const int64_t> items,
            std::span<const int64_t> lengths,
            int64_t budget,
            std::vector<std::vector<int64_t>>& ranks) {
  using Load = std::pair<int64_t, size_t>;  // tokens, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    ranks[rank].clear();
    loads.emplace(0, rank);
  }
  for (const int64_t item : items) {
    auto [tokens, rank] = loads.top();
    tokens += lengths[static_cast<size_t>(item)];
    if (tokens > budget) {
      return false;
    }
    loads.pop();
    loads.emplace(tokens, rank);
    ranks[rank].push_back(item);
  }
  return true;
}

}  // namespace

std::span<const std::string_view> packing_names() {
  return kNames;
}

Result<Packing> parse_packing(std::string_view name) {
  return parse_enum<Packing>(name, kNames, "packing");
}

void pack_wrapped(std::span<const int64_t> items,
                  std::span<const int64_t> lengths,
                  int64_t length,
                  Bin& open,
                  std::vector<Bin>& bins) {
  int64_t filled = bin_tokens(open);
  for (const int64_t item : items) {
    const int64_t tokens = lengths[static_cast<size_t>(item)];
    for (int64_t begin = 0; begin < tokens;) {
      const int64_t end = std::min(tokens, begin + length - filled);
      open.push_back({item, begin, end});
      filled += end - begin;
      begin = end;
      if (filled == length) {
        bins.push_back(std::exchange(open, {}));
        filled = 0;
      }
    }
  }
}

std::vector<Bin> pack(std::span<const int64_t> items,
                      std::span<const int64_t> lengths,
                      int64_t length,
                      Packing packing) {
  CUPEL_CHECK(length > 0, "bins hold at least one token");
  std::vector<Bin> bins;
  switch (packing) {
    case Packing::kWrapped: {
      Bin open;
      pack_wrapped(items, lengths, length, open, bins);
      if (!open.empty()) {
        bins.push_back(std::move(open));
      }
      return bins;
    }
    case Packing::kBfd:
    case Packing::kBfdSplit:
      return best_fit_decreasing(pieces_of(items, lengths, length, packing == Packing::kBfdSplit),
                                 length);
    case Packing::kNone:
    case Packing::kMultipack:
      for (const int64_t item : items) {
        const int64_t tokens = lengths[static_cast<size_t>(item)];
        bins.push_back({{item, 0, packing == Packing::kNone ? std::min(tokens, length) : tokens}});
      }
      return bins;
  }
  return bins;
}

Result<std::vector<std::vector<std::vector<int64_t>>>> multipack(std::span<const int64_t> items,
                                                                 std::span<const int64_t> lengths,
                                                                 int64_t ranks,
                                                                 int64_t budget) {
  CUPEL_CHECK(ranks > 0, "there is at least one rank");
  std::vector<int64_t> sorted(items.begin(), items.end());
  const auto longer = [&lengths](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  };
  std::stable_sort(sorted.begin(), sorted.end(), longer);
  if (!sorted.empty() && lengths[static_cast<size_t>(sorted.front())] > budget) {
    return invalid_argument(
        "a sequence of {} tokens does not fit into a micro-batch of {} tokens; raise "
        "micro_batch_tokens or lower max_length",
        lengths[static_cast<size_t>(sorted.front())], budget);
  }
  std::vector<std::vector<std::vector<int64_t>>> micro_batches;
  std::span<const int64_t> left = sorted;
  std::vector<std::vector<int64_t>> trial(static_cast<size_t>(ranks));
  while (!left.empty()) {
    // One item always fits; `most` is the first number that is not known to.
    size_t fits = 1;
    size_t most = left.size() + 1;
    while (fits + 1 < most) {
      const size_t middle = fits + (most - fits) / 2;
      (spread(left.first(middle), lengths, budget, trial) ? fits : most) = middle;
    }
    spread(left.first(fits), lengths, budget, trial);
    micro_batches.push_back(trial);
    left = left.subspan(fits);
  }
  return micro_batches;
}

int64_t bin_tokens(const Bin& bin) {
  int64_t tokens = 0;
  for (const Piece& piece : bin) {
    tokens += piece.length();
  }
  return tokens;
}

}  // namespace cupel::train
