#pragma once

#include <cstdint>
#include <vector>

#include "train/model/layout.h"

namespace cupel::train {

/// Keys that stand together in the batch.
struct KeyPiece {
  int64_t row = 0;
  int64_t length = 0;
};

/// Some of a document's queries, and the keys in sight of at least one of them.
struct AttentionBlock {
  int64_t row = 0;  ///< of its first token in the batch
  int64_t tokens = 0;
  int64_t position = 0;          ///< of its first token
  int64_t first_key = 0;         ///< position of the first key
  int64_t keys = 0;              ///< up to the block's last token
  std::vector<KeyPiece> pieces;  ///< the keys in order: of ancestors, then of the document
};

/// The queries of all documents in blocks of at most 128. `window` > 0: a token sees the last so
/// many keys only.
std::vector<AttentionBlock> attention_blocks(const PackedLayout& layout, int64_t window);

}  // namespace cupel::train
