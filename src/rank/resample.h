#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "numeric/sampling.h"
#include "rank/battle_table.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

/// Bootstrap resamples of the sums by pairs, several rounds at once.
///
/// A cell is a pair with an outcome and a weight; without clusters a round is a multinomial draw
/// over the counts of the cells. With clusters it draws clusters and adds up their battles: rows
/// lie sorted by cell, so a cell's counts of all rounds of a block stay in registers while the rows
/// pass once.
class PairResampler {
 public:
  static constexpr size_t kLanes = 32;  ///< rounds of a block

  PairResampler(const BattleTable& table, bool clustered);

  /// Counts of the cells in kLanes rounds.
  struct Block {
    std::vector<uint64_t> counts;       ///< [cells, kLanes]
    std::vector<uint8_t> multiplicity;  ///< [clusters, kLanes]: how often each was drawn
  };
  /// Fills the rounds first … first + kLanes − 1; a round depends on (seed, round) alone.
  void draw(uint64_t seed, size_t first, Block& block) const;
  /// The sums of one round of a block and the table's pseudo-ties; pairs without either are left
  /// out.
  [[nodiscard]] std::vector<PairTotal> pairs(const Block& block, size_t lane) const;

 private:
  struct Cell {
    int32_t pair = 0;
    double outcome = 0;
    double weight = 1;
  };
  void add_prior(size_t models, double weight);
  void sort_rows(const BattleTable& table, std::vector<int64_t>& loose);
  void add_clusters(Block& block) const;
  void add_cell(const Block& block, size_t cell, uint64_t* sums) const;
  void add_counted_cell(const Block& block, size_t cell, uint64_t* sums) const;

  std::vector<Cell> cells_;
  std::vector<std::array<int32_t, 2>> pair_names_;
  // Pseudo-ties, which every round has: the pairs by number and those that never met; empty: none.
  std::vector<PairTotal> prior_;
  // What is drawn besides clusters: battles by cell, and at the end all clusters together.
  std::optional<numeric::MultinomialSampler> loose_;  // [cells + 1]
  size_t clusters_ = 0;
  // Rows of clusters sorted by cell: begin_[cell] … begin_[cell + 1].
  std::vector<size_t> begin_;
  std::vector<int32_t> row_cluster_;
  std::vector<uint64_t> row_count_;  // empty: all 1
};

/// Bootstrap resamples of rows, in drawn order, with their features and components.
class RowResampler {
 public:
  /// `table` must outlive it.
  RowResampler(const BattleTable& table, bool clustered);
  [[nodiscard]] BattleTable draw(Rng& rng) const;

 private:
  const BattleTable& table_;
  bool clustered_;
  std::vector<std::vector<uint32_t>> units_;  // rows of each unit; a battle of a count is a unit
  std::vector<int64_t> ends_;                 // running sum of how many units an entry stands for
};

}  // namespace cupel::rank
