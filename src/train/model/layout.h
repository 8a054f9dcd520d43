#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace cupel::train {

/// Tokens of a flat batch that stand next to each other: a document, or a branch of one.
struct DocumentSpan {
  static constexpr int32_t kNoParent = -1;

  int64_t begin = 0;   ///< row of its first token
  int64_t length = 0;  ///< > 0
  /// Index of the earlier document that it continues; kNoParent: it begins by itself.
  int32_t parent = kNoParent;
};

/// Where the documents of a flat batch [T] stand, without padding. A token sees the earlier tokens
/// of its own document and those of its ancestors, and nothing else. A preference pair is three
/// documents: the prompt, and chosen and rejected as branches of it, so that the prompt is computed
/// once.
class PackedLayout {
 public:
  /// Of documents that follow each other and cover all rows.
  /// Errors: kInvalidArgument - an empty document, a gap, or a parent that is no earlier document.
  static Result<PackedLayout> create(std::vector<DocumentSpan> documents);
  /// Of each token's document: 0, 1, … in order. `parents`: of each document, or empty where none
  /// has one. Errors: as create.
  static Result<PackedLayout> of_tokens(std::span<const int32_t> document,
                                        std::span<const int32_t> parents = {});

  [[nodiscard]] std::span<const DocumentSpan> documents() const { return documents_; }
  /// T.
  [[nodiscard]] int64_t tokens() const;
  /// Tokens of the ancestors of document `index`: the position of its first token.
  [[nodiscard]] int64_t first_position(size_t index) const { return first_positions_[index]; }
  /// The ancestors of document `index`, the farthest first.
  [[nodiscard]] std::vector<size_t> ancestors(size_t index) const;
  /// The position of each token in its text, [T].
  [[nodiscard]] std::vector<int64_t> positions() const;
  /// The lengths of all documents.
  [[nodiscard]] std::vector<int64_t> lengths() const;

 private:
  std::vector<DocumentSpan> documents_;
  std::vector<int64_t> first_positions_;
};

}  // namespace cupel::train
