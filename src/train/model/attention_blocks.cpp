#include "train/model/attention_blocks.h"

#include <algorithm>
#include <utility>

namespace cupel::train {
namespace {

constexpr int64_t kBlockTokens = 128;

std::vector<KeyPiece> key_pieces(const PackedLayout& layout,
                                 size_t document,
                                 const AttentionBlock& block) {
  std::vector<size_t> path = layout.ancestors(document);
  path.push_back(document);
  std::vector<KeyPiece> pieces;
  const int64_t end = block.first_key + block.keys;
  for (const size_t index : path) {
    const int64_t begin = layout.first_position(index);
    const int64_t from = std::max(begin, block.first_key);
    const int64_t to = std::min(begin + layout.documents()[index].length, end);
    if (from < to) {
      pieces.push_back(
          {.row = layout.documents()[index].begin + from - begin, .length = to - from});
    }
  }
  return pieces;
}

}  // namespace

std::vector<AttentionBlock> attention_blocks(const PackedLayout& layout, int64_t window) {
  std::vector<AttentionBlock> blocks;
  for (size_t i = 0; i < layout.documents().size(); ++i) {
    const DocumentSpan& document = layout.documents()[i];
    for (int64_t at = 0; at < document.length; at += kBlockTokens) {
      AttentionBlock block{.row = document.begin + at,
                           .tokens = std::min(kBlockTokens, document.length - at),
                           .position = layout.first_position(i) + at};
      if (window > 0) {
        block.first_key = std::max<int64_t>(0, block.position - window + 1);
      }
      block.keys = block.position + block.tokens - block.first_key;
      block.pieces = key_pieces(layout, i, block);
      blocks.push_back(std::move(block));
    }
  }
  return blocks;
}

}  // namespace cupel::train
