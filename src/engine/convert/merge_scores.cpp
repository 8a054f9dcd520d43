#include "engine/convert/merge_scores.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kNone = SIZE_MAX;
// The ways to make a piece take time in the square of its length; real ones stay below 400 bytes.
constexpr size_t kLongestPiece = 1024;

/// The pieces that merge, by text.
class Pieces {
 public:
  Pieces(std::span<const std::string> tokens, const std::vector<bool>& mergeable) {
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (mergeable[id]) {
        by_text_.emplace(tokens[id], id);
      }
    }
  }
  [[nodiscard]] size_t find(std::string_view text) const {
    const auto found = by_text_.find(text);
    return found == by_text_.end() ? kNone : found->second;
  }
  /// Calls `each(left, right)` for every way to make `text` of two pieces.
  template <typename Each>
  void for_each_split(std::string_view text, Each each) const {
    for (size_t cut = 1; cut < text.size() && text.size() <= kLongestPiece; ++cut) {
      const bool inside = (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U;
      const size_t left = inside ? kNone : find(text.substr(0, cut));
      const size_t right = left == kNone ? kNone : find(text.substr(cut));
      if (right != kNone) {
        each(left, right);
      }
    }
  }

 private:
  std::unordered_map<std::string_view, size_t> by_text_;
};

}  // namespace

Result<std::vector<float>> scores_of_merges(std::span<const std::string> tokens,
                                            const std::vector<bool>& mergeable,
                                            std::span<const PieceMerge> merges) {
  const Pieces pieces(tokens, mergeable);
  std::vector<float> scores(tokens.size(), 0.0F);
  std::vector<uint32_t> ways(tokens.size(), 0);
  size_t last = kNone;
  float score = 0;
  for (size_t i = 0; i < merges.size(); ++i) {
    const size_t made = pieces.find(merges[i].first + merges[i].second);
    if (made == kNone || pieces.find(merges[i].first) == kNone ||
        pieces.find(merges[i].second) == kNone) {
      continue;  // of special tokens, which are cut out of the text before anything merges
    }
    if (made != last && ways[made] > 0) {
      return unsupported(
          "model.merges[{}] (\"{}\" and \"{}\"): the ways to make a piece do not stand together, "
          "so "
          "that no score per piece, which is what GGUF has, gives this order",
          i, printable(merges[i].first), printable(merges[i].second));
    }
    score -= made == last ? 0.0F : 1.0F;
    scores[made] = score;
    ++ways[made];
    last = made;
  }
  for (size_t id = 0; id < tokens.size(); ++id) {
    uint32_t possible = 0;
    if (mergeable[id] && tokens[id].size() > kLongestPiece) {
      return unsupported("token {} has {} bytes; pieces of at most {} are converted", id,
                         tokens[id].size(), kLongestPiece);
    }
    if (mergeable[id]) {
      pieces.for_each_split(tokens[id], [&](size_t, size_t) { ++possible; });
    }
    if (possible > ways[id]) {
      return unsupported(
          "model.merges: lists {} of {} ways to make \"{}\" of two tokens; GGUF's \"llama\" "
          "vocabularies merge in all of them",
          ways[id], possible, printable(tokens[id]));
    }
  }
  return scores;
}

std::vector<PieceMerge> merges_of_scores(std::span<const std::string> tokens,
                                         const std::vector<bool>& mergeable,
                                         std::span<const float> scores) {
  const Pieces pieces(tokens, mergeable);
  std::vector<size_t> order;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (mergeable[id]) {
      order.push_back(id);
    }
  }
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<PieceMerge> merges;
  std::vector<std::pair<size_t, size_t>> ways;
  for (const size_t id : order) {
    ways.clear();
    pieces.for_each_split(tokens[id],
                          [&](size_t left, size_t right) { ways.emplace_back(left, right); });
    std::ranges::sort(ways);
    for (const auto& [left, right] : ways) {
      merges.emplace_back(tokens[left], tokens[right]);
    }
  }
  return merges;
}

}  // namespace cupel::engine
