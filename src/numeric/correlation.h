#pragma once

#include <optional>
#include <span>

namespace cupel::numeric {

/// Kendall's τ-b of two columns of the same length: concordant less discordant pairs over
/// √((pairs not tied in x)·(pairs not tied in y)); in [−1, 1].
///
/// Missing: absent where a column is constant or there are fewer than two entries.
/// Cost:    O(n²).   Source: Kendall 1945, "The treatment of ties in ranking problems".
std::optional<double> kendall_tau_b(std::span<const double> x, std::span<const double> y);

/// Spearman's ρ: Pearson's correlation of the ranks, tied entries at the mean of their ranks.
///
/// Missing: as above.   Cost: O(n log n).   Source: Spearman 1904.
std::optional<double> spearman_rho(std::span<const double> x, std::span<const double> y);

}  // namespace cupel::numeric
