#pragma once

#include <optional>
#include <span>

#include "numeric/statistics.h"
#include "rank/rank_classes.h"

namespace cupel::rank {

/// The share of pairs of n models of which one was shown to be better: its paired difference's
/// interval excludes zero. Absent below two models.   Cost: O(n²).
std::optional<double> separability(size_t n, const ShownBetter& better);

/// The share of pairs whose own intervals do not overlap (touching ends do). Stricter than the
/// above, and the figure that benchmarks publish. Absent below two models.
/// Source: Li et al. 2024, "From crowdsourced data to high-quality benchmarks" (arXiv 2406.11939),
///         separability with confidence.
std::optional<double> interval_separability(std::span<const numeric::Interval> intervals);

}  // namespace cupel::rank
