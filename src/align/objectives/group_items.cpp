#include "align/objectives/group_items.h"

#include "train/data/packed_batch.h"

namespace cupel::align {

using train::ExampleGroup;
using train::Piece;

std::vector<int64_t> items_of(std::span<const Piece> pieces) {
  std::vector<int64_t> items;
  for (const Piece& piece : pieces) {
    items.push_back(piece.item);
  }
  return items;
}

std::vector<int64_t> items_of(const train::StepPlan& plan) {
  std::vector<int64_t> items;
  for (const train::Bin& bin : plan.bins) {
    for (const Piece& piece : bin) {
      items.push_back(piece.item);
    }
  }
  return items;
}

train::DataSize size_of_groups(const train::DataSet& data, std::span<const Piece> pieces) {
  train::DataSize size;
  for (const Piece& piece : pieces) {
    const ExampleGroup& group = data.groups[static_cast<size_t>(piece.item)];
    ++size.samples;
    size.tokens += train::group_tokens(group);
    for (const train::Example& answer : group.answers) {
      size.labels += answer.trained_tokens();
    }
  }
  return size;
}

std::vector<std::string> ids_of_groups(const train::DataSet& data, std::span<const Piece> pieces) {
  std::vector<std::string> ids;
  for (const Piece& piece : pieces) {
    ids.push_back(data.groups[static_cast<size_t>(piece.item)].id);
  }
  return ids;
}

}  // namespace cupel::align
