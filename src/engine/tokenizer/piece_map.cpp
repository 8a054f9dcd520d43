#include "engine/tokenizer/piece_map.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "base/check.h"

namespace cupel::engine {
namespace {

uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

}  // namespace

void PieceTexts::reserve(size_t pieces, size_t bytes) {
  begins_.reserve(pieces + 1);
  bytes_.reserve(bytes);
}

void PieceTexts::append(std::string_view text) {
  bytes_.append(text);
  begins_.push_back(bytes_.size());
}

PieceMap::PieceMap(const PieceTexts& texts, size_t capacity)
    : texts_(&texts), slots_(std::bit_ceil(std::max<size_t>(capacity * 2, 8))) {
  mask_ = slots_.size() - 1;
}

bool PieceMap::insert(TokenId id) {
  const std::string_view text = (*texts_)[id];
  const uint64_t hash = hash_of(text);
  const auto tag = static_cast<uint32_t>(hash >> 32U);
  size_t at = hash & mask_;
  while (slots_[at].id >= 0) {
    if (slots_[at].hash == tag && (*texts_)[slots_[at].id] == text) {
      return false;
    }
    at = (at + 1) & mask_;
  }
  slots_[at] = {tag, id};
  longest_ = std::max(longest_, text.size());
  return true;
}

TokenId PieceMap::find(std::string_view text) const {
  if (text.size() > longest_) {
    return -1;
  }
  const uint64_t hash = hash_of(text);
  const auto tag = static_cast<uint32_t>(hash >> 32U);
  for (size_t at = hash & mask_; slots_[at].id >= 0; at = (at + 1) & mask_) {
    if (slots_[at].hash == tag && (*texts_)[slots_[at].id] == text) {
      return slots_[at].id;
    }
  }
  return -1;
}

}  // namespace cupel::engine
