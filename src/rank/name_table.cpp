#include "rank/name_table.h"

#include <algorithm>

namespace cupel::rank {
namespace {

constexpr size_t kSmall = 16384;  // slots: fewer than 400 KiB, which stay in the second cache

}  // namespace

uint64_t NameTable::hash_middle(uint64_t hash, std::string_view name) {
  for (size_t at = 8; at + 8 < name.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, name.data() + at, sizeof word);
    hash = mix(hash, word);
  }
  return hash;
}

int32_t NameTable::add(std::string_view name) {
  // While it is small it is so sparse that a name is nearly always where it is looked for first: to
  // go on is a branch that is mispredicted. When it is large, to be small again counts for more.
  const size_t sparseness = slots_.size() <= kSmall ? 4 : 2;
  if (sparseness * (names_.size() + 1) > slots_.size()) {
    grow();
  }
  const auto id = static_cast<int32_t>(names_.size());
  names_.push_back(keep(name));
  place(NameKey::of(name), name, id);
  return id;
}

void NameTable::place(const NameKey& key, std::string_view name, int32_t id) {
  size_t at = hash(key, name) & (mask_);
  while (slots_[at].id >= 0) {
    at = (at + 1) & (mask_);
  }
  slots_[at] = {key.head, key.tail, key.size, id};
}

std::string_view NameTable::keep(std::string_view name) {
  constexpr size_t kPiece = size_t{16} << 10U;
  if (name.size() > memory_left_) {
    memory_left_ = std::max(kPiece, name.size());
    memory_.push_back(std::make_unique_for_overwrite<char[]>(memory_left_));
    free_ = memory_.back().get();
  }
  char* const kept = free_;
  std::copy_n(name.data(), name.size(), kept);
  free_ += name.size();
  memory_left_ -= name.size();
  return {kept, name.size()};
}

void NameTable::grow() {
  std::vector<Slot>(2 * slots_.size()).swap(slots_);
  mask_ = slots_.size() - 1;
  for (size_t id = 0; id < names_.size(); ++id) {
    place(NameKey::of(names_[id]), names_[id], static_cast<int32_t>(id));
  }
}

}  // namespace cupel::rank
