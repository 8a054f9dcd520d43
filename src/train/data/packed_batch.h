#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/data/example.h"
#include "train/data/packing.h"

namespace cupel::train {

/// Tokens [begin, end) of a batch that see each other, the earlier ones only; those of a branch see
/// its parent's as well.
struct PackedDocument {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t parent = -1;      ///< a document that stands before it; −1: none
  int64_t item = 0;         ///< the example or group it is of
  int64_t answer = -1;      ///< of a group: which answer; −1: the prompt, or no group
  int64_t first_token = 0;  ///< which token of its text it begins with
};

/// Sequences behind one another, without padding. All vectors are [T].
///
/// Documents are as in `documents`; nothing else is seen, whatever the positions say. A label is
/// the token that comes next in the same document, −100 where that is not trained or where there is
/// none, so the first token of a document is never a label.
struct PackedBatch {
  static constexpr int32_t kNoLabel = -100;

  std::vector<int32_t> ids;
  std::vector<int32_t> positions;  ///< from 0 in each document; a branch goes on from its parent
  std::vector<int32_t> document;   ///< index into `documents`
  std::vector<int32_t> labels;
  std::vector<float> weights;  ///< of the labels; 0 where there is none
  std::vector<PackedDocument> documents;

  [[nodiscard]] int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
};

/// Lays pieces of examples behind one another, each a document with positions from 0.
PackedBatch pack_examples(std::span<const Example> examples, std::span<const Piece> pieces);

/// Lays whole groups behind one another: the shared prompt is a document, its answers are branches
/// of it. The prompt's last token predicts the first one of every answer, so it begins each branch
/// instead of ending the prompt; a prompt of one token is no document, and its answers have no
/// parent. Labels of the prompt are not trained. `items` are indices of groups.
PackedBatch pack_groups(std::span<const ExampleGroup> groups, std::span<const int64_t> items);

/// Tokens that `pack_groups` makes of a group.
int64_t group_tokens(const ExampleGroup& group);

/// Sum of the weights of all labels in pieces of examples, and how many they are: the denominators
/// of a step, known before any part of it is computed.
struct LabelCount {
  double weight = 0;
  int64_t labels = 0;
};
LabelCount count_labels(std::span<const Example> examples, std::span<const Piece> pieces);

}  // namespace cupel::train
