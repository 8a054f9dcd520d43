#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/decider.h"

namespace cupel::curate {

/// How an answer fares under a rule.
struct Grade {
  int64_t held = 0;   ///< items that hold
  int64_t items = 0;  ///< of the rule
  [[nodiscard]] bool passes() const { return held == items; }
  /// In [0, 1].
  [[nodiscard]] double score() const {
    return static_cast<double>(held) / static_cast<double>(items);
  }
};

/// What answers are held to: checklist items that programs decide (judge/decider.h).
class Rule {
 public:
  /// A program ({"kind": …}), an item ({"question", "program"}), or a list of either.
  /// Errors: kCorruptData naming the item and field; a rule without items.
  static Result<Rule> parse(const Json& json);
  /// A benchmark's checklist. Errors: as above; kUnsupported - an item that needs a judge.
  static Result<Rule> of_checklist(std::vector<judge::ChecklistItem> items);

  /// White space around the answer does not count, as in an evaluation.
  [[nodiscard]] Grade grade(std::string_view answer) const;
  [[nodiscard]] const std::vector<judge::ChecklistItem>& items() const { return items_; }

 private:
  std::vector<judge::ChecklistItem> items_;
  std::vector<std::shared_ptr<const judge::Decider>> deciders_;  // one for each item
};

}  // namespace cupel::curate
