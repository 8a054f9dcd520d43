// The mean of a model's win rates against each opponent that it met.
#include "rank/methods/average_win_rate.h"

#include "base/error.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {

Result<std::vector<double>> average_win_rates(const NameIndex& names,
                                              std::span<const PairTotal> pairs) {
  std::vector<double> sums(names.size());
  std::vector<double> opponents(names.size());
  for (const PairTotal& pair : pairs) {
    const auto a = static_cast<size_t>(pair.a);
    const auto b = static_cast<size_t>(pair.b);
    sums[a] += pair.won / pair.mass;
    sums[b] += (pair.mass - pair.won) / pair.mass;
    ++opponents[a];
    ++opponents[b];
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    if (opponents[i] == 0) {
      return failed_precondition(
          "\"{}\" has no battle, so it has no win rate; drop it, or ask for no bootstrap",
          names.name(static_cast<int32_t>(i)));
    }
    sums[i] /= opponents[i];
  }
  return sums;
}

Result<std::vector<double>> average_win_rates(const BattleTable& table) {
  return average_win_rates(table.models(), pair_totals(table));
}

namespace method {
namespace {

Result<Ratings> fit(const RatingInput& input, const RatingOptions& /*options*/) {
  Ratings ratings;
  CUPEL_TRY(ratings.values, average_win_rates(input.table.models(), input.pairs));
  return ratings;
}

}  // namespace

RatingMethod average_win_rate() {
  return {.name = "average_win_rate",
          .summary = "mean win rate over the opponents met, each counted once",
          .source = "as in evalica 0.4.2",
          .formula = "mean over opponents met of points / battles",
          .scale = RatingScale::kShare,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
