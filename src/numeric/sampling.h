#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace cupel::numeric {

/// A binomial draw: successes of n ≥ 0 trials with probability p in [0, 1]. Exact, not an
/// approximation.
///
/// Cost:   O(n·p) below a mean of 10, constant above.
/// Source: inversion; Hörmann 1993, "The generation of binomial random variates", algorithm BTRS.
int64_t binomial(Rng& rng, int64_t n, double p);

/// A multinomial draw: `trials` spread over cells with the given non-negative integer weights into
/// `out`, which has the same length. Cost: one binomial per cell.
void multinomial(Rng& rng,
                 int64_t trials,
                 std::span<const int64_t> weights,
                 std::span<int64_t> out);

/// Draws one multinomial after another with the same weights and as many trials as they add up to:
/// bootstrap resamples of counted rows.
///
/// Exact, and several times faster than one binomial per cell: independent Poisson numbers with
/// means a little below the weights are a multinomial draw of a random number of trials, to which
/// the few that miss are added one by one; should there be too many, all are drawn again (how many
/// there are says nothing of how they fall). Poisson numbers come from tables, one for each
/// distinct weight. Cost:   setup O(cells + Σ over distinct weights √w); a draw O(cells + √trials).
/// Source: Devroye 1986, "Non-Uniform Random Variate Generation", sections III.2.4 and XI.1.3.
class MultinomialSampler {
 public:
  /// Non-negative weights, their sum below 2^53.
  explicit MultinomialSampler(std::span<const int64_t> weights);
  /// Fills `out` [cells].
  void draw(Rng& rng, std::span<int64_t> out) const;

 private:
  /// P(X ≤ low + i) as a 64-bit fraction; a guide to where the search for one begins.
  struct PoissonTable {
    int64_t low = 0;
    std::vector<uint64_t> cumulative;
    std::vector<uint32_t> guide;
    [[nodiscard]] int64_t draw(uint64_t bits) const;
  };
  static PoissonTable poisson_table(double mean);
  [[nodiscard]] size_t cell_of(uint64_t unit) const;

  std::vector<int64_t> weights_;
  std::vector<size_t> large_;       // cells that conditional binomials are drawn for first
  std::vector<size_t> small_;       // the others
  std::vector<uint32_t> table_of_;  // [small_]
  std::vector<PoissonTable> tables_;
  std::vector<int64_t> ends_;    // [small_] running sum of the weights
  std::vector<uint32_t> guide_;  // into `ends_`
  int64_t total_ = 0;
  int64_t small_total_ = 0;
};

}  // namespace cupel::numeric
