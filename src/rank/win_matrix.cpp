#include "rank/win_matrix.h"

#include <vector>

namespace cupel::rank {

WinMatrix win_matrix(const BattleTable& table, std::span<const int32_t> models) {
  constexpr size_t kNone = static_cast<size_t>(-1);
  std::vector<size_t> place(table.model_count(), kNone);
  for (size_t i = 0; i < models.size(); ++i) {
    place[static_cast<size_t>(models[i])] = i;
  }
  WinMatrix result{.points = numeric::Matrix(models.size(), models.size()),
                   .battles = numeric::Matrix(models.size(), models.size())};
  for (size_t row = 0; row < table.rows(); ++row) {
    const Battle battle = table.row(row);
    const size_t i = place[static_cast<size_t>(battle.a)];
    const size_t j = place[static_cast<size_t>(battle.b)];
    if (i == kNone || j == kNone) {
      continue;
    }
    const double mass = battle.weight * static_cast<double>(battle.count);
    result.points(i, j) += mass * battle.outcome;
    result.points(j, i) += mass * (1 - battle.outcome);
    result.battles(i, j) += mass;
    result.battles(j, i) += mass;
  }
  return result;
}

}  // namespace cupel::rank
