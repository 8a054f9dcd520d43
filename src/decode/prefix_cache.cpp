#include "decode/prefix_cache.h"

#include <algorithm>

namespace cupel::decode {

int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

PrefixCache::Match PrefixCache::find(std::span<const TokenId> ids) {
  Match best;
  auto used = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    const int64_t length =
        std::min(common_prefix(ids, it->ids), static_cast<int64_t>(ids.size()) - 1);
    if (length > best.length) {
      best = {&it->state, length};
      used = it;
    }
  }
  if (used != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, used);
  }
  return best;
}

void PrefixCache::insert(std::vector<TokenId> ids, engine::SequenceState state) {
  entries_.remove_if([&](const Entry& entry) {
    return common_prefix(entry.ids, ids) == static_cast<int64_t>(entry.ids.size());
  });
  entries_.push_front({std::move(ids), std::move(state)});
  if (entries_.size() > capacity_) {
    entries_.pop_back();
  }
}

bool PrefixCache::evict() {
  if (entries_.empty()) {
    return false;
  }
  entries_.pop_back();
  return true;
}

}  // namespace cupel::decode
