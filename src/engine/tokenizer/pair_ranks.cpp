#include "engine/tokenizer/pair_ranks.h"

#include <algorithm>
#include <bit>

namespace cupel::engine {

PairRanks::PairRanks(size_t capacity)
    : slots_(std::bit_ceil(std::max<size_t>(capacity * 2, 8))), mask_(slots_.size() - 1) {}

void PairRanks::insert(TokenId left, TokenId right, const Merge& merge) {
  const uint64_t key = key_of(left, right);
  size_t at = hash_of(key) & mask_;
  while (slots_[at].key != kFree) {
    if (slots_[at].key == key) {
      return;
    }
    at = (at + 1) & mask_;
  }
  slots_[at] = {key, merge};
}

}  // namespace cupel::engine
