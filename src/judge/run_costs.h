#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/run_folder.h"
#include "store/cost_ledger.h"

namespace cupel::judge {

/// What a model's calls took, as the rows of a run tell it.
struct ModelUsage : store::ModelCost {
  double seconds = 0;  ///< wall time during which the model worked on `calls`

  /// Whether the model was asked at all.
  [[nodiscard]] bool any() const { return calls + cached_calls > 0; }
  /// Completion tokens a second; nothing without tokens or time.
  [[nodiscard]] std::optional<double> tokens_per_second() const;
};

/// What a run has taken. Rows that share a call (contenders that are the same model) pay for it
/// once: the first in the order of the run's members; for the others it is a cached one. So the
/// numbers depend on the rows alone, however often the run was interrupted.
struct RunCosts {
  std::map<std::string, ModelUsage> models;  ///< answers to the run's questions, by model
  ModelUsage judge;                          ///< verdicts of one judge and protocol about them
  /// All that was ever spent on the run, in other questions and by other judges too; absent when
  /// nothing has a price.
  std::optional<double> total;
};

/// Errors: kCorruptData - a row that does not say what it took.
Result<RunCosts> count_costs(const Benchmark& benchmark,
                             const RunFolder& run,
                             const std::string& judge,
                             const std::string& protocol);

/// Puts what the rows of a run have cost into a ledger, so that a budget holds for the whole run.
/// Errors as above.
Result<Ok> add_earlier_costs(const Benchmark& benchmark,
                             const RunFolder& run,
                             store::CostLedger& ledger);

}  // namespace cupel::judge
