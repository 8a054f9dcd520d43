// Wins plus half of the ties: the oldest score there is, and no measure of skill.
#include "rank/methods/counting.h"

#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {

std::vector<double> count_points(std::span<const PairTotal> pairs, size_t models) {
  std::vector<double> points(models);
  for (const PairTotal& pair : pairs) {
    points[static_cast<size_t>(pair.a)] += pair.won;
    points[static_cast<size_t>(pair.b)] += pair.mass - pair.won;
  }
  return points;
}

std::vector<double> count_points(const BattleTable& table) {
  return count_points(pair_totals(table), table.model_count());
}

namespace method {
namespace {

Result<Ratings> fit(const RatingInput& input, const RatingOptions& /*options*/) {
  Ratings ratings;
  ratings.values = count_points(input.pairs, input.models());
  return ratings;
}

}  // namespace

RatingMethod counting() {
  return {.name = "counting",
          .summary = "wins plus half of the ties; grows with how often a model is shown",
          .source = "tournament scoring; as in evalica 0.4.2",
          .formula = "wins + ties/2",
          .scale = RatingScale::kShare,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
