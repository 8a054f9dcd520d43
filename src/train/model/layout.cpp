#include "train/model/layout.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cupel::train {

Result<PackedLayout> PackedLayout::create(std::vector<DocumentSpan> documents) {
  PackedLayout layout;
  int64_t row = 0;
  for (size_t i = 0; i < documents.size(); ++i) {
    const DocumentSpan& document = documents[i];
    if (document.length <= 0 || document.begin != row) {
      return invalid_argument(
          "packed document {} has rows {} to {}; expected at least one, from row {} on", i,
          document.begin, document.begin + document.length, row);
    }
    if (document.parent < DocumentSpan::kNoParent || document.parent >= static_cast<int64_t>(i)) {
      return invalid_argument(
          "packed document {} continues document {}; expected an earlier one, or -1", i,
          document.parent);
    }
    row += document.length;
    const auto parent = static_cast<size_t>(document.parent);
    layout.first_positions_.push_back(document.parent == DocumentSpan::kNoParent
                                          ? 0
                                          : layout.first_positions_[parent] +
                                                documents[parent].length);
  }
  layout.documents_ = std::move(documents);
  return layout;
}

Result<PackedLayout> PackedLayout::of_tokens(std::span<const int32_t> document,
                                             std::span<const int32_t> parents) {
  std::vector<DocumentSpan> spans;
  for (size_t row = 0; row < document.size(); ++row) {
    const auto next = static_cast<int32_t>(spans.size());
    if (document[row] != next && (next == 0 || document[row] != next - 1)) {
      return invalid_argument("row {} is of document {}; expected {}{}", row, document[row],
                              next == 0 ? "" : "the one before or ", next);
    }
    if (document[row] == next) {
      const int32_t parent = parents.empty()                 ? DocumentSpan::kNoParent
                             : spans.size() < parents.size() ? parents[spans.size()]
                                                             : next;  // refused by create
      spans.push_back({.begin = static_cast<int64_t>(row), .length = 0, .parent = parent});
    }
    ++spans.back().length;
  }
  if (!parents.empty() && parents.size() != spans.size()) {
    return invalid_argument("{} documents have {} parents; expected one for each, or none",
                            spans.size(), parents.size());
  }
  return create(std::move(spans));
}

int64_t PackedLayout::tokens() const {
  return documents_.empty() ? 0 : documents_.back().begin + documents_.back().length;
}

std::vector<size_t> PackedLayout::ancestors(size_t index) const {
  std::vector<size_t> result;
  for (int32_t at = documents_[index].parent; at != DocumentSpan::kNoParent;
       at = documents_[static_cast<size_t>(at)].parent) {
    result.push_back(static_cast<size_t>(at));
  }
  std::reverse(result.begin(), result.end());
  return result;
}

std::vector<int64_t> PackedLayout::positions() const {
  std::vector<int64_t> result;
  result.reserve(static_cast<size_t>(tokens()));
  for (size_t i = 0; i < documents_.size(); ++i) {
    for (int64_t j = 0; j < documents_[i].length; ++j) {
      result.push_back(first_positions_[i] + j);
    }
  }
  return result;
}

std::vector<int64_t> PackedLayout::lengths() const {
  std::vector<int64_t> result;
  for (const DocumentSpan& document : documents_) {
    result.push_back(document.length);
  }
  return result;
}

}  // namespace cupel::train
