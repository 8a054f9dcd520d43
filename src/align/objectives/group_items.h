#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/data/data_set.h"
#include "train/loop/objective.h"

namespace cupel::align {

// What objectives over groups of answers have in common.

std::vector<int64_t> items_of(std::span<const train::Piece> pieces);
std::vector<int64_t> items_of(const train::StepPlan& plan);
train::DataSize size_of_groups(const train::DataSet& data, std::span<const train::Piece> pieces);
std::vector<std::string> ids_of_groups(const train::DataSet& data,
                                       std::span<const train::Piece> pieces);

/// Calls `check(items)` with all groups of a data set, some hundred at a time.
template <typename Check>
Result<Ok> for_each_items(const train::DataSet& data, const Check& check) {
  constexpr size_t kAtOnce = 512;
  std::vector<int64_t> items;
  for (size_t i = 0; i < data.groups.size(); ++i) {
    items.push_back(static_cast<int64_t>(i));
    if (items.size() == kAtOnce || i + 1 == data.groups.size()) {
      CUPEL_TRY_VOID(check(items));
      items.clear();
    }
  }
  return Ok{};
}

}  // namespace cupel::align
