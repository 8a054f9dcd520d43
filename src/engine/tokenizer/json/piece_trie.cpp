#include "engine/tokenizer/json/piece_trie.h"

namespace cupel::engine {

PieceTrie::PieceTrie(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::erase_if(entries_, [](const Entry& entry) { return entry.text.empty(); });
  std::ranges::sort(entries_, {}, &Entry::text);
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    Range& range = by_first_[static_cast<unsigned char>(entries_[i].text.front())];
    range.begin = range.end == 0 ? i : range.begin;
    range.end = i + 1;
  }
}

void PieceTrie::narrow(Range& range, size_t depth, unsigned char byte) const {
  const auto at_depth = [depth](const Entry& entry) {
    return static_cast<unsigned char>(entry.text[depth]);
  };
  const auto found = std::ranges::equal_range(entries_.begin() + range.begin,
                                              entries_.begin() + range.end, byte, {}, at_depth);
  range.begin = static_cast<uint32_t>(found.begin() - entries_.begin());
  range.end = static_cast<uint32_t>(found.end() - entries_.begin());
}

}  // namespace cupel::engine
