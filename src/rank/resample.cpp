#include "rank/resample.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "base/check.h"

namespace cupel::rank {
namespace {

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// A battle seen from the side whose name comes first, as `BattleTable::aggregated` does.
Battle canonical(Battle battle, std::span<const int32_t> places) {
  if (places[at(battle.a)] > places[at(battle.b)]) {
    std::swap(battle.a, battle.b);
    battle.outcome = 1 - battle.outcome;
  }
  return battle;
}

}  // namespace

PairResampler::PairResampler(const BattleTable& table, bool clustered) {
  const BattleTable cells = table.aggregated(ClusterUse::kDrop);
  std::vector<int64_t> loose;
  std::array<int32_t, 2> last = {-1, -1};
  for (size_t i = 0; i < cells.rows(); ++i) {
    const Battle battle = cells.row(i);
    if (last != std::array{battle.a, battle.b}) {
      last = {battle.a, battle.b};
      pair_names_.push_back(last);
    }
    cells_.push_back({.pair = static_cast<int32_t>(pair_names_.size() - 1),
                      .outcome = battle.outcome,
                      .weight = battle.weight});
    loose.push_back(clustered ? 0 : battle.count);
  }
  if (table.pseudo_ties() > 0) {
    add_prior(table.model_count(), table.pseudo_ties());
  }
  loose.push_back(0);
  if (clustered) {
    sort_rows(table, loose);
    loose.back() = static_cast<int64_t>(clusters_);
  }
  loose_.emplace(loose);
}

namespace {

/// The number of the cell of a battle: from a table for plain votes of not too many models, from a
/// tree for others.
class CellIndex {
 public:
  explicit CellIndex(size_t models) : models_(models) {
    if (models <= kMostCountedModels) {
      plain_.assign(models * models * 3, -1);
    }
  }
  void put(const Battle& battle, int32_t cell) {
    if (int32_t* slot = plain_slot(battle)) {
      *slot = cell;
    } else {
      others_.emplace(key(battle), cell);
    }
  }
  int32_t find(const Battle& battle) {
    const int32_t* slot = plain_slot(battle);
    return slot != nullptr ? *slot : others_.at(key(battle));
  }

 private:
  using Key = std::tuple<int32_t, int32_t, double, double>;
  static Key key(const Battle& battle) {
    return {battle.a, battle.b, battle.outcome, battle.weight};
  }
  int32_t* plain_slot(const Battle& battle) {
    const double vote = 2 * battle.outcome;
    const auto whole = static_cast<size_t>(vote);
    if (plain_.empty() || battle.weight != 1 || static_cast<double>(whole) != vote) {
      return nullptr;
    }
    return &plain_[(at(battle.a) * models_ + at(battle.b)) * 3 + whole];
  }
  size_t models_;
  std::vector<int32_t> plain_;
  std::map<Key, int32_t> others_;
};

/// The clusters that have battles, numbered by their names: the draws must not depend on the order
/// in which clusters appear. −1: none.
std::vector<int32_t> numbered_clusters(const BattleTable& table, size_t& used) {
  const std::vector<int32_t> places = table.clusters().alphabetical_places();
  std::vector<int32_t> numbers(places.size(), -1);
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.count > 0 && battle.cluster != kNoCluster) {
      numbers[at(places[at(battle.cluster)])] = 0;
    }
  }
  used = 0;
  for (int32_t& number : numbers) {
    number = number == 0 ? static_cast<int32_t>(used++) : -1;
  }
  std::vector<int32_t> result(places.size());
  for (size_t cluster = 0; cluster < result.size(); ++cluster) {
    result[cluster] = numbers[at(places[cluster])];
  }
  return result;
}

}  // namespace

void PairResampler::add_prior(size_t models, double weight) {
  std::vector<bool> met(models * models);
  const auto add = [&](int32_t a, int32_t b) {
    prior_.push_back({.a = a, .b = b});
    prior_.back().add_prior_tie(weight);
  };
  for (const auto& [a, b] : pair_names_) {
    met[at(a) * models + at(b)] = met[at(b) * models + at(a)] = true;
    add(a, b);
  }
  for (int32_t a = 0; at(a) < models; ++a) {
    for (int32_t b = a + 1; at(b) < models; ++b) {
      if (!met[at(a) * models + at(b)]) {
        add(a, b);
      }
    }
  }
}

/// Finds the cell of each row and sorts the rows of clusters by it.
void PairResampler::sort_rows(const BattleTable& table, std::vector<int64_t>& loose) {
  const std::vector<int32_t> places = table.models().alphabetical_places();
  const std::vector<int32_t> numbers = numbered_clusters(table, clusters_);
  CellIndex index(table.model_count());
  for (size_t c = 0; c < cells_.size(); ++c) {
    const auto& [a, b] = pair_names_[at(cells_[c].pair)];
    index.put({.a = a, .b = b, .outcome = cells_[c].outcome, .weight = cells_[c].weight},
              static_cast<int32_t>(c));
  }
  std::vector<int32_t> cell_of(table.rows());
  bool counted = false;
  begin_.assign(cells_.size() + 1, 0);
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = canonical(table.row(i), places);
    if (battle.count == 0) {
      cell_of[i] = -1;
      continue;
    }
    cell_of[i] = index.find(battle);
    counted = counted || battle.count != 1;
    if (battle.cluster == kNoCluster) {
      loose[at(cell_of[i])] += battle.count;
      cell_of[i] = -1;
    } else {
      ++begin_[at(cell_of[i]) + 1];
    }
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  row_cluster_.resize(begin_.back());
  row_count_.resize(counted ? begin_.back() : 0);
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  for (size_t i = 0; i < table.rows(); ++i) {
    if (cell_of[i] >= 0) {
      const size_t place = next[at(cell_of[i])]++;
      row_cluster_[place] = numbers[at(table.row(i).cluster)];
      if (counted) {
        row_count_[place] = static_cast<uint64_t>(table.row(i).count);
      }
    }
  }
}

void PairResampler::draw(uint64_t seed, size_t first, Block& block) const {
  block.counts.assign(cells_.size() * kLanes, 0);
  block.multiplicity.assign(clusters_ * kLanes, 0);
  std::vector<int64_t> drawn(cells_.size() + 1);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    Rng rng(seed, first + lane);
    loose_->draw(rng, drawn);
    for (size_t cell = 0; cell < cells_.size(); ++cell) {
      block.counts[cell * kLanes + lane] = static_cast<uint64_t>(drawn[cell]);
    }
    // As many draws as clusters: none comes 256 times, but for a chance of less than 10^-500.
    Rng local = rng;  // its state in registers
    for (int64_t i = 0; i < drawn.back(); ++i) {
      ++block.multiplicity[local.below(clusters_) * kLanes + lane];
    }
  }
  if (clusters_ > 0) {
    add_clusters(block);
  }
}

/// Rows of one battle each: sums of 257 multiplicities below 256 fit 16 bits.
void PairResampler::add_cell(const Block& block, size_t cell, uint64_t* sums) const {
  constexpr size_t kMostRows = 256;
  constexpr size_t kAhead = 24;  // rows whose cluster is on its way from memory
  const size_t end = begin_[cell + 1];
  for (size_t begin = begin_[cell]; begin < end; begin += kMostRows) {
    uint16_t part[kLanes] = {};
    const size_t stop = std::min(begin + kMostRows, end);
    for (size_t i = begin; i < stop; ++i) {
      const size_t next = std::min(i + kAhead, row_cluster_.size() - 1);
      __builtin_prefetch(block.multiplicity.data() + at(row_cluster_[next]) * kLanes);
      const uint8_t* times = block.multiplicity.data() + at(row_cluster_[i]) * kLanes;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        part[lane] = static_cast<uint16_t>(part[lane] + times[lane]);
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += part[lane];
    }
  }
}

void PairResampler::add_counted_cell(const Block& block, size_t cell, uint64_t* sums) const {
  for (size_t i = begin_[cell]; i < begin_[cell + 1]; ++i) {
    const uint8_t* times = block.multiplicity.data() + at(row_cluster_[i]) * kLanes;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += row_count_[i] * times[lane];
    }
  }
}

void PairResampler::add_clusters(Block& block) const {
  for (size_t cell = 0; cell < cells_.size(); ++cell) {
    uint64_t* sums = block.counts.data() + cell * kLanes;
    if (row_count_.empty()) {
      add_cell(block, cell, sums);
    } else {
      add_counted_cell(block, cell, sums);
    }
  }
}

std::vector<PairTotal> PairResampler::pairs(const Block& block, size_t lane) const {
  CUPEL_CHECK(lane < kLanes, "a block has that many rounds");
  std::vector<PairTotal> totals = prior_;
  totals.reserve(pair_names_.size());
  int32_t current = -1;
  for (size_t cell = 0; cell < cells_.size(); ++cell) {
    const uint64_t count = block.counts[cell * kLanes + lane];
    if (count == 0) {
      continue;
    }
    if (!prior_.empty()) {
      totals[at(cells_[cell].pair)].add(cells_[cell].outcome, cells_[cell].weight,
                                        static_cast<double>(count));
      continue;
    }
    if (cells_[cell].pair != current) {
      current = cells_[cell].pair;
      const auto& [a, b] = pair_names_[at(current)];
      totals.push_back({.a = a, .b = b});
    }
    totals.back().add(cells_[cell].outcome, cells_[cell].weight, static_cast<double>(count));
  }
  return totals;
}

RowResampler::RowResampler(const BattleTable& table, bool clustered)
    : table_(table), clustered_(clustered) {
  std::vector<size_t> unit_of_cluster(table.clusters().size(), static_cast<size_t>(-1));
  std::vector<int64_t> weights;
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    const auto row = static_cast<uint32_t>(i);
    if (battle.count == 0) {
      continue;
    }
    if (!clustered || battle.cluster == kNoCluster) {
      units_.push_back({row});
      weights.push_back(battle.count);
      continue;
    }
    size_t& unit = unit_of_cluster[at(battle.cluster)];
    if (unit == static_cast<size_t>(-1)) {
      unit = units_.size();
      units_.emplace_back();
      weights.push_back(1);
    }
    units_[unit].push_back(row);
  }
  ends_.resize(weights.size());
  std::partial_sum(weights.begin(), weights.end(), ends_.begin());
}

BattleTable RowResampler::draw(Rng& rng) const {
  const int64_t total = ends_.back();
  std::vector<uint32_t> rows;
  std::vector<int64_t> counts;
  for (int64_t i = 0; i < total; ++i) {
    const auto unit = static_cast<int64_t>(rng.below(static_cast<uint64_t>(total)));
    const auto entry =
        static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), unit) - ends_.begin());
    for (const uint32_t row : units_[entry]) {
      const Battle battle = table_.row(row);
      const bool whole = clustered_ && battle.cluster != kNoCluster;
      rows.push_back(row);
      counts.push_back(whole ? battle.count : 1);
    }
  }
  BattleTable drawn = table_.subset(rows);
  drawn.set_counts(counts);
  return drawn;
}

}  // namespace cupel::rank
