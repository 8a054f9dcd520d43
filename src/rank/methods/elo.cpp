// Elo 1978, with the constants of the Chatbot Arena (Zheng et al. 2023).
#include "rank/methods/elo.h"

#include <array>
#include <cmath>

#include "base/error.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {

Result<Ratings> fit_elo(const BattleTable& table, const EloOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  if (!(options.k_factor > 0 && std::isfinite(options.k_factor))) {
    return invalid_argument("k_factor is {:g}; expected a number > 0", options.k_factor);
  }
  Ratings ratings;
  ratings.values.assign(table.model_count(), options.initial_rating);
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    double& a = ratings.values[static_cast<size_t>(battle.a)];
    double& b = ratings.values[static_cast<size_t>(battle.b)];
    for (int64_t repeat = 0; repeat < battle.count; ++repeat) {
      const double expected = 1 / (1 + std::exp((b - a) / kEloPerLogit));
      const double move = options.k_factor * battle.weight * (battle.outcome - expected);
      a += move;
      b -= move;
    }
  }
  return ratings;
}

namespace method {
namespace {

constexpr std::array kParameters = {RatingParameter{.name = "k_factor",
                                                    .value = 4,
                                                    .low = 1e-6,
                                                    .high = 1000,
                                                    .summary = "Elo points at stake in a battle"}};

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  return fit_elo(input.table, {.k_factor = setting(kParameters, options, "k_factor")});
}

}  // namespace

RatingMethod elo() {
  return {.name = "elo",
          .summary = "online Elo in the order of the battles",
          .source = "Elo 1978; Zheng et al. 2023 (K = 4)",
          .formula = "R_a += K·(y − 1/(1 + 10^((R_b − R_a)/400))), vote by vote",
          .reads_rows = true,
          .order_dependent = true,
          .parameters = kParameters,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
