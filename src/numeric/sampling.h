#pragma once

#include <cstdint>
#include <span>

#include "base/rng.h"

namespace cupel::numeric {

/// A binomial draw: successes of n ≥ 0 trials with probability p in [0, 1]. Exact, not an
/// approximation.
///
/// Cost:   O(n·p) below a mean of 10, constant above.
/// Source: inversion; Hörmann 1993, "The generation of binomial random variates", algorithm BTRS.
int64_t binomial(Rng& rng, int64_t n, double p);

/// A multinomial draw: `trials` spread over cells with the given non-negative integer weights into
/// `out`, which has the same length. With trials = sum of weights this is one bootstrap resample of
/// counted rows, at a cost of one binomial per cell instead of one uniform per trial.
void multinomial(Rng& rng,
                 int64_t trials,
                 std::span<const int64_t> weights,
                 std::span<int64_t> out);

}  // namespace cupel::numeric
