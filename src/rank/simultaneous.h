#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "numeric/dense.h"

namespace cupel::rank {

/// A variance of a difference below this share of those of its two sides is rounding: the votes say
/// nothing of the difference (a model whose only vote is a tie).
inline constexpr double kNoVariance = 1e-9;

/// How far estimates may stray together, in standard errors.
struct SimultaneousSet {
  double rating_t = 0;      ///< all |rating − truth| / error stay below, at once
  double difference_t = 0;  ///< the same over all differences of two ratings
  double chi_square = 0;  ///< (β̂ − β)ᵀV⁺(β̂ − β) stays below: the ellipsoid of the whole vector
};

struct SimultaneousOptions {
  double confidence = 0.95;  ///< in (0, 1)
  int64_t draws = 4000;  ///< the probability is met to about ±√(α(1−α)/draws): 0.3 points
  uint64_t seed = 0;
  size_t threads = 0;  ///< 0: as many as there are CPUs; no number changes a draw
};

/// Critical values of a normal estimate with that covariance [M, M] (mean-zero gauge).
///
/// Boxes of rating_t·error hold the whole vector with the given confidence and are the tightest of
/// one relative width; those of √chi_square·error, the ellipsoid's shadow, hold it more often.
/// Cost:   O(draws·M²) on all threads; deterministic.
/// Errors: kFailedPrecondition - a covariance that is not positive semi-definite or not finite.
/// Source: max-|t|: Hothorn, Bretz & Westfall 2008, "Simultaneous inference in general parametric
///         models", by simulation; ellipsoid: Chatbot Arena paper 2024, section 5.
Result<SimultaneousSet> simultaneous_set(const numeric::Matrix& covariance,
                                         const SimultaneousOptions& options = {});

/// The same from joint draws [rounds, M] of an estimate: no normal shape is assumed for the boxes.
/// Also gives their covariance [M, M].
SimultaneousSet simultaneous_set_of_draws(const numeric::Matrix& draws,
                                          double confidence,
                                          numeric::Matrix& covariance);

/// (β̂ − β)ᵀV⁺(β̂ − β) in the mean-zero gauge: both vectors [M] are shifted to mean zero first.
/// Errors: as simultaneous_set.
Result<double> squared_distance(std::span<const double> estimate,
                                std::span<const double> truth,
                                const numeric::Matrix& covariance);

}  // namespace cupel::rank
