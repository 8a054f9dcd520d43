#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace cupel::rank {

/// A name as two words and its length, which say all of one of at most 16 bytes.
struct NameKey {
  uint64_t head = 0;
  uint64_t tail = 0;
  uint32_t size = 0;

  static NameKey of(std::string_view name) {
    const auto size = static_cast<uint32_t>(name.size());
    const char* const data = name.data();
    if (size >= 4) {
      // Four loads that overlap as the length wants it, so that no branch depends on it. Of a name
      // of up to 16 bytes they cover all; of a longer one the first and the last eight.
      const size_t step = size > 16 ? 4 : (size >> 3U) << 2U;
      return {four(data) << 32U | four(data + step),
              four(data + size - 4) << 32U | four(data + size - 4 - step), size};
    }
    uint64_t head = 0;
    for (uint32_t i = 0; i < size; ++i) {
      head |= static_cast<uint64_t>(static_cast<unsigned char>(data[i])) << 8 * i;
    }
    return {head, 0, size};
  }

 private:
  static uint64_t four(const char* data) {
    uint32_t word = 0;
    std::memcpy(&word, data, sizeof word);
    return word;
  }
};

/// Names as small integers, numbered from 0 in order of first appearance, for parsing: a name that
/// is there already costs a few nanoseconds. (NameIndex is for keeping them.)
class NameTable {
 public:
  NameTable() : slots_(64), mask_(63) {}

  /// The number of a name, or -1 when it is not there yet.
  [[nodiscard]] int32_t find(std::string_view name) const {
    const NameKey key = NameKey::of(name);
    size_t at = hash(key, name) & (mask_);
    while (true) {
      const Slot& slot = slots_[at];
      const bool same =
          ((slot.head ^ key.head) | (slot.tail ^ key.tail) | (slot.size ^ key.size)) == 0;
      if (slot.id < 0 || (same && (key.size <= 16 || this->name(slot.id) == name))) {
        return slot.id;
      }
      at = (at + 1) & (mask_);
    }
  }
  /// Adds a name that is not there yet and gives it the next number.
  int32_t add(std::string_view name);

  [[nodiscard]] size_t size() const { return names_.size(); }
  [[nodiscard]] std::string_view name(int32_t id) const { return names_[static_cast<size_t>(id)]; }

 private:
  /// A name's key and number; 24 bytes, so that hundreds of names stay in the first cache.
  struct Slot {
    uint64_t head = 0;
    uint64_t tail = 0;
    uint32_t size = 0;
    int32_t id = -1;
  };
  __extension__ using Wide = unsigned __int128;
  /// Both halves of a product: every bit of both words reaches the low ones (wyhash's mixing).
  static uint64_t mix(uint64_t a, uint64_t b) {
    const Wide product = static_cast<Wide>(a ^ 0xA0761D6478BD642FULL) * (b ^ 0xE7037ED1A0B428DBULL);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
  }
  static size_t hash(const NameKey& key, std::string_view name) {
    const uint64_t short_hash = mix(key.head + key.size, key.tail);
    return key.size <= 16 ? short_hash : hash_middle(short_hash, name);
  }
  static uint64_t hash_middle(uint64_t hash, std::string_view name);
  void place(const NameKey& key, std::string_view name, int32_t id);
  std::string_view keep(std::string_view name);
  void grow();

  std::vector<Slot> slots_;  // a power of two of them, at most half taken
  size_t mask_;              // slots_.size() - 1, without the division
  std::vector<std::string_view> names_;
  std::vector<std::unique_ptr<char[]>> memory_;  // of the names
  char* free_ = nullptr;
  size_t memory_left_ = 0;
};

}  // namespace cupel::rank
