// Page et al. 1999 on the graph of who took points from whom.
#include "rank/methods/pagerank.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

constexpr double kMostDamping = 0.999;
constexpr double kTolerance = 1e-15;  // per model, of a change that each iteration shrinks

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// Walks one step: `from` [M] shares, `given` [M] points that others took from each model.
void step(std::span<const PairTotal> pairs,
          std::span<const double> given,
          double damping,
          std::span<const double> from,
          std::span<double> to) {
  const auto models = static_cast<double>(from.size());
  double stuck = 0;  // the share that stands at models which nobody took a point from
  for (size_t i = 0; i < from.size(); ++i) {
    stuck += given[i] > 0 ? 0 : from[i];
  }
  std::fill(to.begin(), to.end(), (1 - damping + damping * stuck) / models);
  for (const PairTotal& pair : pairs) {
    const size_t a = at(pair.a);
    const size_t b = at(pair.b);
    if (pair.won > 0) {
      to[a] += damping * from[b] * pair.won / given[b];
    }
    if (pair.mass > pair.won) {
      to[b] += damping * from[a] * (pair.mass - pair.won) / given[a];
    }
  }
}

}  // namespace

Result<PageRank> pagerank_scores(std::span<const PairTotal> pairs,
                                 size_t models,
                                 const PageRankOptions& options) {
  const double damping = options.damping;
  if (!(damping >= 0 && damping <= kMostDamping)) {
    return invalid_argument("damping is {:g}; it must lie in [0, {:g}]", damping, kMostDamping);
  }
  std::vector<double> given(models);
  for (const PairTotal& pair : pairs) {
    given[at(pair.a)] += (pair.mass - pair.won);
    given[at(pair.b)] += pair.won;
  }
  const double start = 1 / static_cast<double>(models);
  PageRank result{.scores = std::vector<double>(models, start)};
  std::vector<double> next(models);
  // A step shrinks the distance to the stationary shares by the damping factor: no check can fail.
  const int64_t most =
      damping > 0 ? static_cast<int64_t>(std::log(kTolerance) / std::log(damping)) + 2 : 1;
  for (double change = 1; result.iterations < most && change > kTolerance * start;
       ++result.iterations) {
    step(pairs, given, damping, result.scores, next);
    change = 0;
    for (size_t i = 0; i < next.size(); ++i) {
      change = std::max(change, std::abs(next[i] - result.scores[i]));
    }
    std::swap(result.scores, next);
  }
  const double sum = std::accumulate(result.scores.begin(), result.scores.end(), 0.0);
  for (double& score : result.scores) {
    score /= sum;  // rounding alone
  }
  return result;
}

Result<PageRank> pagerank_scores(const BattleTable& table, const PageRankOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  return pagerank_scores(pair_totals(table), table.model_count(), options);
}

namespace method {
namespace {

constexpr std::array kParameters = {
    RatingParameter{.name = "damping",
                    .value = 0.85,
                    .low = 0,
                    .high = kMostDamping,
                    .summary = "chance to follow a loss instead of jumping anywhere"}};

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  CUPEL_TRY(PageRank result,
            pagerank_scores(input.pairs, input.models(),
                            {.damping = setting(kParameters, options, "damping")}));
  Ratings ratings;
  ratings.values = std::move(result.scores);
  ratings.report.iterations = result.iterations;
  return ratings;
}

}  // namespace

RatingMethod pagerank() {
  return {
      .name = "pagerank",
      .summary = "stationary share of a walk from losers to winners",
      .source = "Page et al. 1999; the graph as in evalica 0.4.2",
      .formula =
          "stationary share of a walk from losers to winners that jumps with chance 1 − damping",
      .scale = RatingScale::kShare,
      .parameters = kParameters,
      .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
