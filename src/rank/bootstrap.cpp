#include "rank/bootstrap.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "numeric/sampling.h"
#include "rank/methods/registry.h"
#include "rank/resample.h"

namespace cupel::rank {
namespace {

/// Where draws go, and the first round (by number, whatever the threads do) that failed.
class Draws {
 public:
  Draws(int64_t rounds, size_t models) : values_(static_cast<size_t>(rounds), models) {}

  void put(size_t round, Result<Ratings>&& fit) {
    if (fit.has_value()) {
      std::copy(fit->values.begin(), fit->values.end(), values_.row(round).begin());
      return;
    }
    const std::lock_guard guard(lock_);
    if (round < failed_round_) {
      failed_round_ = round;
      failure_ = std::move(fit).error();
    }
  }
  [[nodiscard]] size_t rounds() const { return values_.rows(); }
  /// No later round matters any more.
  [[nodiscard]] bool failed_before(size_t round) const { return failed_round_ < round; }
  Result<numeric::Matrix> take() && {
    if (failure_) {
      return in_context(std::move(*failure_),
                        format("bootstrap round {} of {}", failed_round_ + 1, rounds()));
    }
    return std::move(values_);
  }

 private:
  numeric::Matrix values_;
  std::mutex lock_;
  std::atomic<size_t> failed_round_ = static_cast<size_t>(-1);
  std::optional<Error> failure_;
};

/// Rounds of a method that looks at pairs alone.
void draw_pairs(const RatingMethod& method,
                const BattleTable& table,
                const RatingOptions& rating,
                const BootstrapOptions& options,
                ThreadPool& pool,
                Draws& draws) {
  const bool clustered = options.clustered && table.has_clusters();
  const PairResampler resampler(table, clustered);
  const BattleTable names = table.without_battles();
  pool.for_each_chunk(draws.rounds(), PairResampler::kLanes, [&](size_t begin, size_t end) {
    PairResampler::Block block;
    resampler.draw(options.seed, begin, block);
    for (size_t round = begin; round < end && !draws.failed_before(round); ++round) {
      const std::vector<PairTotal> pairs = resampler.pairs(block, round - begin);
      draws.put(round, method.fit({names, pairs}, rating));
    }
  });
}

/// Rounds of a method that reads rows.
void draw_rows(const RatingMethod& method,
               const BattleTable& table,
               const RatingOptions& rating,
               const BootstrapOptions& options,
               ThreadPool& pool,
               Draws& draws) {
  const RowResampler resampler(table, options.clustered && table.has_clusters());
  pool.for_each_chunk(draws.rounds(), 1, [&](size_t round, size_t /*end*/) {
    if (!draws.failed_before(round)) {
      Rng rng(options.seed, round);
      const BattleTable drawn = resampler.draw(rng);
      const std::vector<PairTotal> pairs = pair_totals(drawn);
      draws.put(round, method.fit({drawn, pairs}, rating));
    }
  });
}

}  // namespace

Result<numeric::Matrix> bootstrap_ratings(const RatingMethod& method,
                                          const BattleTable& table,
                                          const RatingOptions& rating,
                                          const BootstrapOptions& options) {
  if (options.rounds < 2 || options.rounds > 1'000'000) {
    return invalid_argument("{} bootstrap rounds; expected 2 to 1,000,000", options.rounds);
  }
  const bool has_row_data = !table.features().names.empty() || !table.components().ids.empty();
  const bool by_rows = method.order_dependent || (method.reads_rows && has_row_data);
  constexpr int64_t kMostDrawn = std::numeric_limits<uint32_t>::max();
  if (by_rows && table.battle_count() > kMostDrawn) {
    return invalid_argument(
        "{} battles are too many to be drawn one by one, as {} needs it; at most {} go",
        table.battle_count(), method.name, kMostDrawn);
  }
  RatingOptions round_options = rating;
  round_options.covariance = Covariance::kNone;
  CUPEL_TRY(const Ratings full, fit_ratings(method, table, round_options));
  round_options.resample_of = &full;
  for (const Coefficient& tuned : full.tuned) {
    // In front: an earlier setting goes before a later one.
    round_options.settings.insert(round_options.settings.begin(), {tuned.name, tuned.value});
  }
  Draws draws(options.rounds, table.model_count());
  ThreadPool pool(options.threads == 0 ? available_cpus() : options.threads);
  if (by_rows) {
    draw_rows(method, table, round_options, options, pool, draws);
  } else {
    draw_pairs(method, table, round_options, options, pool, draws);
  }
  return std::move(draws).take();
}

}  // namespace cupel::rank
