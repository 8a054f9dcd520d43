#include "rank/bootstrap.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "numeric/sampling.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

/// What is drawn with replacement: each cluster once, and each battle that has no cluster.
struct Units {
  std::vector<int64_t> weights;      ///< how many units an entry stands for
  std::vector<size_t> entry_of_row;  ///< [rows] the entry that carries a row
  std::vector<bool>
      whole_row;  ///< [rows] the entry is this row alone: its draws are the row's count
};

Units units_of(const BattleTable& table, bool clustered) {
  Units units;
  std::vector<size_t> entry_of_cluster(table.clusters().size(), static_cast<size_t>(-1));
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (!clustered || battle.cluster == kNoCluster) {
      units.entry_of_row.push_back(units.weights.size());
      units.whole_row.push_back(true);
      units.weights.push_back(battle.count);
      continue;
    }
    size_t& entry = entry_of_cluster[static_cast<size_t>(battle.cluster)];
    if (entry == static_cast<size_t>(-1)) {
      entry = units.weights.size();
      units.weights.push_back(1);
    }
    units.entry_of_row.push_back(entry);
    units.whole_row.push_back(false);
  }
  return units;
}

/// Draws one resample after another; the reference stays valid until the next draw.
class Resampler {
 public:
  virtual ~Resampler() = default;
  virtual const BattleTable& draw(Rng& rng) = 0;
};

/// Changes the counts of an aggregated table.
class CountResampler : public Resampler {
 public:
  CountResampler(const BattleTable& table, bool clustered)
      : table_(table.aggregated(clustered ? ClusterUse::kKeep : ClusterUse::kDrop)),
        units_(units_of(table_, clustered)),
        total_(std::accumulate(units_.weights.begin(), units_.weights.end(), int64_t{0})),
        drawn_(units_.weights.size()),
        counts_(table_.rows()) {
    for (size_t i = 0; i < table_.rows(); ++i) {
      original_.push_back(table_.row(i).count);
    }
  }
  const BattleTable& draw(Rng& rng) override {
    numeric::multinomial(rng, total_, units_.weights, drawn_);
    for (size_t i = 0; i < counts_.size(); ++i) {
      const int64_t times = drawn_[units_.entry_of_row[i]];
      counts_[i] = units_.whole_row[i] ? times : times * original_[i];
    }
    table_.set_counts(counts_);
    return table_;
  }

 private:
  BattleTable table_;
  Units units_;
  int64_t total_;
  std::vector<int64_t> drawn_;
  std::vector<int64_t> counts_;
  std::vector<int64_t> original_;
};

/// Lines the drawn units up in drawn order.
class SequenceResampler : public Resampler {
 public:
  SequenceResampler(const BattleTable& table, bool clustered)
      : table_(table), units_(units_of(table, clustered)), rows_of_entry_(units_.weights.size()) {
    for (size_t i = 0; i < table.rows(); ++i) {
      rows_of_entry_[units_.entry_of_row[i]].push_back(i);
    }
    ends_.resize(units_.weights.size());
    std::partial_sum(units_.weights.begin(), units_.weights.end(), ends_.begin());
  }
  const BattleTable& draw(Rng& rng) override {
    drawn_ = table_.without_battles();
    const int64_t total = ends_.back();
    for (int64_t i = 0; i < total; ++i) {
      const auto unit = static_cast<int64_t>(rng.below(static_cast<uint64_t>(total)));
      const auto entry =
          static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), unit) - ends_.begin());
      for (const size_t row : rows_of_entry_[entry]) {
        Battle battle = table_.row(row);
        battle.count = units_.whole_row[row] ? 1 : battle.count;
        const auto added = drawn_.add(battle);
        CUPEL_CHECK(added.has_value(), "a drawn battle was accepted before");
      }
    }
    return drawn_;
  }

 private:
  const BattleTable& table_;
  Units units_;
  std::vector<std::vector<size_t>> rows_of_entry_;
  std::vector<int64_t> ends_;  // running sum of the units' weights
  BattleTable drawn_;
};

std::unique_ptr<Resampler> make_resampler(const RatingMethod& method,
                                          const BattleTable& table,
                                          bool clustered) {
  const bool by_cluster = clustered && table.has_clusters();
  if (method.order_dependent) {
    return std::make_unique<SequenceResampler>(table, by_cluster);
  }
  return std::make_unique<CountResampler>(table, by_cluster);
}

}  // namespace

Result<numeric::Matrix> bootstrap_ratings(const RatingMethod& method,
                                          const BattleTable& table,
                                          const RatingOptions& rating,
                                          const BootstrapOptions& options) {
  if (options.rounds < 2 || options.rounds > 1'000'000) {
    return invalid_argument("{} bootstrap rounds; expected 2 to 1,000,000", options.rounds);
  }
  RatingOptions round_options = rating;
  round_options.covariance = false;
  CUPEL_TRY(const Ratings full, fit_ratings(method, table, round_options));
  round_options.resample = true;
  round_options.start = full.values;
  const auto resampler = make_resampler(method, table, options.clustered);
  numeric::Matrix draws(static_cast<size_t>(options.rounds), table.model_count());
  for (size_t round = 0; round < draws.rows(); ++round) {
    Rng rng(options.seed, round);
    auto fit = fit_ratings(method, resampler->draw(rng), round_options);
    if (!fit.has_value()) {
      return in_context(std::move(fit).error(),
                        format("bootstrap round {} of {}", round + 1, options.rounds));
    }
    std::copy(fit->values.begin(), fit->values.end(), draws.row(round).begin());
  }
  return draws;
}

}  // namespace cupel::rank
