#pragma once

#include <string>
#include <vector>

#include "judge/benchmark.h"

namespace cupel::judge {

/// One model's part in an item.
struct Side {
  std::string model;
  /// Its own answers, up to and with the item's turn. Empty while items are only enumerated.
  std::vector<std::string> answers;
};

/// What is judged at once: one turn of a question as one model answered it (pointwise), two models
/// in the order in which the judge reads them (pairwise), or several (listwise).
struct JudgeItem {
  const Benchmark* benchmark = nullptr;
  const Question* question = nullptr;
  int turn = 1;  ///< 1-based
  std::vector<Side> sides;
};

/// What items can be made of.
struct JudgeScope {
  const Benchmark* benchmark = nullptr;
  std::vector<const Question*> questions;
  std::vector<std::string> models;  ///< in the order of the run
  /// The model that the others are compared with. Empty: each with each.
  std::string baseline;
};

/// An item for every answer: each turn of each question of each model, model by model.
std::vector<JudgeItem> pointwise_items(const JudgeScope& scope);

}  // namespace cupel::judge
