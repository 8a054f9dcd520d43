#include "rank/score_table.h"

#include <cmath>
#include <set>

#include "base/error.h"

namespace cupel::rank {
namespace {

/// Sum and number of the items that two models share on one question.
struct SharedSums {
  double a = 0;
  double b = 0;
  int64_t items = 0;
};

/// Decimal scores such as 8.3 and 8.2 differ by a little more than 0.1 in binary.
constexpr double kDecimalSlack = 1e-9;

double compare_scores(double a, double b, double tie_delta) {
  if (std::abs(a - b) <= tie_delta + kDecimalSlack) {
    return kTie;
  }
  return a > b ? kWinA : kWinB;
}

/// Shared scores of two models, by question and, for unit kItem, by item.
std::map<ScoreTable::CellKey, SharedSums> shared_units(const ScoreTable::Cells& a,
                                                       const ScoreTable::Cells& b,
                                                       ComparisonUnit unit) {
  std::map<ScoreTable::CellKey, SharedSums> units;
  for (const auto& [key, cell] : a) {
    const auto other = b.find(key);
    if (cell.missing || other == b.end() || other->second.missing) {
      continue;
    }
    SharedSums& sums = units[{key.first, unit == ComparisonUnit::kItem ? key.second : 0}];
    sums.a += cell.score;
    sums.b += other->second.score;
    ++sums.items;
  }
  return units;
}

}  // namespace

Result<Ok> ScoreTable::add(std::string_view model,
                           std::string_view question,
                           int64_t item,
                           double score) {
  if (!std::isfinite(score)) {
    return invalid_argument(
        "score of model \"{}\" on question {}, item {} is {:g}; expected a number (mark a "
        "verdict without one as missing)",
        model, question, item, score);
  }
  return put(model, question, item, {.score = score, .missing = false});
}

Result<Ok> ScoreTable::add_missing(std::string_view model,
                                   std::string_view question,
                                   int64_t item) {
  return put(model, question, item, {.score = 0, .missing = true});
}

Result<Ok> ScoreTable::put(std::string_view model,
                           std::string_view question,
                           int64_t item,
                           Cell cell) {
  if (model.empty() || question.empty()) {
    return invalid_argument("a score needs the names of its model and its question");
  }
  Cells& cells = models_.try_emplace(std::string(model)).first->second;
  if (!cells.try_emplace({std::string(question), item}, cell).second) {
    return invalid_argument("model \"{}\" already has a score on question {}, item {}", model,
                            question, item);
  }
  return Ok{};
}

std::vector<std::string> ScoreTable::models() const {
  std::vector<std::string> names;
  for (const auto& [name, cells] : models_) {
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> ScoreTable::questions() const {
  std::set<std::string> names;
  for (const auto& [model, cells] : models_) {
    for (const auto& [key, cell] : cells) {
      names.insert(key.first);
    }
  }
  return {names.begin(), names.end()};
}

bool ScoreTable::has_model(std::string_view model) const {
  return models_.contains(model);
}

const ScoreTable::Cells& ScoreTable::cells(std::string_view model) const {
  static const Cells none;
  const auto found = models_.find(model);
  return found == models_.end() ? none : found->second;
}

ScoreTable ScoreTable::filtered(
    const std::function<bool(const std::string& question)>& keep) const {
  ScoreTable part;
  for (const auto& [model, cells] : models_) {
    Cells kept;
    for (const auto& [key, cell] : cells) {
      if (keep(key.first)) {
        kept.emplace(key, cell);
      }
    }
    if (!kept.empty()) {
      part.models_.emplace(model, std::move(kept));
    }
  }
  return part;
}

Result<BattleTable> battles_from_scores(const ScoreTable& scores,
                                        const ScoreBattleOptions& options) {
  if (!(options.tie_delta >= 0)) {
    return invalid_argument("tie_delta is {:g}; expected a number >= 0", options.tie_delta);
  }
  const std::vector<std::string> models = scores.models();
  BattleTable table;
  for (size_t i = 0; i < models.size(); ++i) {
    for (size_t j = i + 1; j < models.size(); ++j) {
      for (const auto& [key, sums] :
           shared_units(scores.cells(models[i]), scores.cells(models[j]), options.unit)) {
        const auto items = static_cast<double>(sums.items);
        CUPEL_TRY_VOID(
            table.add({.a = table.intern_model(models[i]),
                       .b = table.intern_model(models[j]),
                       .outcome = compare_scores(sums.a / items, sums.b / items, options.tie_delta),
                       .cluster = table.intern_cluster(key.first)}));
      }
    }
  }
  if (table.rows() == 0) {
    return failed_precondition(
        "no two of the {} models share a question with valid scores; nothing can be compared",
        models.size());
  }
  return table;
}

}  // namespace cupel::rank
