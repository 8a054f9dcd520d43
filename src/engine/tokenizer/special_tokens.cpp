#include "engine/tokenizer/special_tokens.h"

#include <algorithm>

namespace cupel::engine {
namespace {

size_t first_byte(std::string_view text) {
  return static_cast<unsigned char>(text.front());
}

}  // namespace

SpecialTokens::SpecialTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::erase_if(entries_, [](const Entry& entry) { return entry.text.empty(); });
  std::ranges::sort(entries_, {}, &Entry::text);
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    Range& range = by_first_[first_byte(entries_[i].text)];
    range.begin = range.end == 0 ? i : range.begin;
    range.end = i + 1;
  }
}

SpecialTokens::Match SpecialTokens::find(std::string_view text, size_t from) const {
  if (entries_.empty()) {
    return {};
  }
  for (size_t at = from; at < text.size(); ++at) {
    if (by_first_[first_byte(text.substr(at))].end == 0) {
      continue;
    }
    if (const Match match = longest_at(text, at); match.id >= 0) {
      return match;
    }
  }
  return {};
}

SpecialTokens::Match SpecialTokens::longest_at(std::string_view text, size_t begin) const {
  Match best;
  Range range = by_first_[first_byte(text.substr(begin))];
  for (size_t depth = 1; range.begin < range.end; ++depth) {
    // All of the range share `depth` bytes with the text; the shortest comes first.
    if (entries_[range.begin].text.size() == depth) {
      best = {begin, depth, entries_[range.begin].id};
      ++range.begin;
    }
    if (begin + depth >= text.size()) {
      break;
    }
    const auto byte = static_cast<unsigned char>(text[begin + depth]);
    const auto at_depth = [depth](const Entry& entry) {
      return static_cast<unsigned char>(entry.text[depth]);
    };
    const auto found = std::ranges::equal_range(entries_.begin() + range.begin,
                                                entries_.begin() + range.end, byte, {}, at_depth);
    range.begin = static_cast<uint32_t>(found.begin() - entries_.begin());
    range.end = static_cast<uint32_t>(found.end() - entries_.begin());
  }
  return best;
}

TokenId SpecialTokens::exact(std::string_view text) const {
  const auto at = std::ranges::lower_bound(entries_, text, {}, &Entry::text);
  return at != entries_.end() && at->text == text ? at->id : -1;
}

}  // namespace cupel::engine
