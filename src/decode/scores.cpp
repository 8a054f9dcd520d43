#include "decode/scores.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <utility>

namespace cupel::decode {
namespace {

// Both of these are instructions of every CPU; std::max keeps its first argument where they are
// equal and would be no instruction.
float larger(float a, float b) {
  return a > b ? a : b;
}

float largest_of_block(const float* x) {
  float lanes[16];
  for (size_t j = 0; j < 16; ++j) {
    lanes[j] = larger(larger(x[j], x[j + 16]), larger(x[j + 32], x[j + 48]));
  }
  for (size_t width = 8; width > 0; width /= 2) {
    for (size_t j = 0; j < width; ++j) {
      lanes[j] = larger(lanes[j], lanes[j + width]);
    }
  }
  return lanes[0];
}

/// Calls visit(begin, end) for each block that holds a score of at least `floor()`, which may rise
/// meanwhile.
template <typename Floor, typename Visit>
void for_blocks_with(std::span<const float> scores, const Floor& floor, const Visit& visit) {
  size_t begin = 0;
  for (; begin + kScoreBlock <= scores.size(); begin += kScoreBlock) {
    if (largest_of_block(scores.data() + begin) >= floor()) {
      visit(begin, begin + kScoreBlock);
    }
  }
  if (begin < scores.size()) {
    visit(begin, scores.size());
  }
}

/// Orders scores as unsigned numbers, the largest first; -0 counts as 0.
uint32_t descending_key(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0F);
  return (bits >> 31U) != 0 ? bits : ~(bits | 0x80000000U);
}

}  // namespace

float largest_score(std::span<const float> scores) {
  float largest = -std::numeric_limits<float>::infinity();
  size_t begin = 0;
  for (; begin + kScoreBlock <= scores.size(); begin += kScoreBlock) {
    largest = larger(largest_of_block(scores.data() + begin), largest);
  }
  for (; begin < scores.size(); ++begin) {
    largest = larger(scores[begin], largest);
  }
  return largest;
}

TokenId argmax(std::span<const float> scores) {
  float largest = -std::numeric_limits<float>::infinity();
  size_t in = 0;  // the first block that holds the largest
  size_t begin = 0;
  for (; begin + kScoreBlock <= scores.size(); begin += kScoreBlock) {
    const float of_block = largest_of_block(scores.data() + begin);
    if (of_block > largest) {
      largest = of_block;
      in = begin;
    }
  }
  // The rest beyond whole blocks comes last, so it must be larger, not equal.
  const auto rest = std::max_element(scores.begin() + static_cast<int64_t>(begin), scores.end());
  if (rest != scores.end() && *rest > largest) {
    return static_cast<TokenId>(rest - scores.begin());
  }
  const auto block = scores.begin() + static_cast<int64_t>(in);
  const auto found = std::find(block, scores.end(), largest);
  return found == scores.end() ? 0 : static_cast<TokenId>(found - scores.begin());
}

void gather_at_least(std::span<const float> scores, float floor, std::vector<Candidate>& out) {
  for_blocks_with(
      scores, [floor] { return floor; },
      [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
          if (scores[i] >= floor) {
            out.push_back({static_cast<TokenId>(i), scores[i]});
          }
        }
      });
}

// Keeps up to twice as many as wanted, then only the likeliest of these, whose last one is the bar
// for all that follow: of equals the earlier id is the likelier one, so later ones must be larger.
void gather_likeliest(std::span<const float> scores, size_t count, std::vector<Candidate>& out) {
  const size_t room = 2 * count + kScoreBlock;
  const auto wanted = static_cast<std::ptrdiff_t>(count);
  float bar = -std::numeric_limits<float>::infinity();
  bool full = false;  // `count` tokens at least as likely as the bar are there
  const auto shrink = [&] {
    std::nth_element(out.begin(), out.begin() + wanted - 1, out.end(), likelier);
    out.resize(count);
    bar = out.back().logit;
    full = true;
  };
  for_blocks_with(
      scores, [&bar] { return bar; },
      [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
          if (!full || scores[i] > bar) {
            out.push_back({static_cast<TokenId>(i), scores[i]});
          }
        }
        if (out.size() >= room) {
          shrink();
        }
      });
  if (out.size() > count) {
    shrink();
  }
}

// Radix sort, least significant digit first. It keeps the order of equals, which is that of ids.
void sort_ascending_ids(std::vector<Candidate>& items, std::vector<Candidate>& scratch) {
  constexpr unsigned kDigitBits = 11;
  constexpr uint32_t kDigits = 1U << kDigitBits;
  constexpr unsigned kPasses = 3;
  uint32_t places[kPasses][kDigits] = {};
  for (const Candidate& item : items) {
    const uint32_t key = descending_key(item.logit);
    for (unsigned pass = 0; pass < kPasses; ++pass) {
      ++places[pass][key >> (pass * kDigitBits) & (kDigits - 1)];
    }
  }
  scratch.resize(items.size());
  for (unsigned pass = 0; pass < kPasses; ++pass) {
    uint32_t next = 0;
    for (uint32_t& place : places[pass]) {
      next += std::exchange(place, next);
    }
    for (const Candidate& item : items) {
      const uint32_t digit = descending_key(item.logit) >> (pass * kDigitBits) & (kDigits - 1);
      scratch[places[pass][digit]++] = item;
    }
    items.swap(scratch);
  }
}

}  // namespace cupel::decode
