#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/name_index.h"

namespace cupel::rank {

/// Scores of models on questions: each question has one or more items (turns, checklist lines,
/// samples).
///
/// A cell may be missing (an invalid verdict): it is counted, and enters no mean. Cells are kept
/// sorted by names and item numbers, so nothing computed from a table depends on the order of
/// adding.
class ScoreTable {
 public:
  /// Puts a score into an empty cell. `item` numbers the parts of a question, e.g. its turns.
  ///
  /// Errors: kInvalidArgument - an empty name, a score that is not finite, a cell that is already
  /// filled; the
  ///         table is unchanged.
  Result<Ok> add(std::string_view model, std::string_view question, int64_t item, double score);
  /// Marks a cell as asked for but without a valid score. Errors: an empty name, a filled cell.
  Result<Ok> add_missing(std::string_view model, std::string_view question, int64_t item);

  /// Names of the models, sorted.
  [[nodiscard]] std::vector<std::string> models() const;
  /// Names of the questions that any model has a cell for, sorted.
  [[nodiscard]] std::vector<std::string> questions() const;
  [[nodiscard]] bool empty() const { return models_.empty(); }
  [[nodiscard]] bool has_model(std::string_view model) const;

  /// One filled or missing cell of a model.
  struct Cell {
    double score = 0;
    bool missing = false;
  };
  using CellKey = std::pair<std::string, int64_t>;  ///< question, item
  using Cells = std::map<CellKey, Cell>;
  /// The cells of a model, sorted; a model that was never added has none.
  [[nodiscard]] const Cells& cells(std::string_view model) const;

  /// The part of the table whose questions pass, e.g. those of one category. Models left without a
  /// cell drop out.
  [[nodiscard]] ScoreTable filtered(
      const std::function<bool(const std::string& question)>& keep) const;

 private:
  Result<Ok> put(std::string_view model, std::string_view question, int64_t item, Cell cell);

  std::map<std::string, Cells, std::less<>> models_;
};

/// What is compared when scores become battles.
enum class ComparisonUnit {
  kItem,     ///< each item (turn) is a battle of its own
  kQuestion  ///< the mean over the items that both models have
};

struct ScoreBattleOptions {
  /// Scores at most this far apart tie; ≥ 0, in units of the score. 0.1 is MT-Bench's on its 1-10
  /// scale.
  double tie_delta = 0.1;
  ComparisonUnit unit = ComparisonUnit::kItem;
};

/// Turns scores into battles: every pair of models meets on every unit that both have a valid score
/// for, the higher score wins. The question is the cluster, as verdicts on one question depend on
/// each other.
///
/// Errors: kInvalidArgument - a negative tie_delta; kFailedPrecondition - no two models share a
/// scored unit. Cost:   O(M² · cells). Source: Zheng et al. 2023 (arXiv 2306.05685), score-to-pair
/// conversion.
Result<BattleTable> battles_from_scores(const ScoreTable& scores,
                                        const ScoreBattleOptions& options = {});

}  // namespace cupel::rank
