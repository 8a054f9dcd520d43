#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"
#include "numeric/statistics.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// Elo points per unit of natural log-odds: 400 / ln 10.
inline constexpr double kEloPerLogit = 173.71779276130073;
/// Where the mean of a rating on the Elo scale lies unless an anchor says otherwise (the field's
/// habit).
inline constexpr double kEloMean = 1000.0;

/// How a fit went.
struct FitReport {
  int64_t iterations = 0;  ///< steps of the optimiser; 0 for methods without one
  /// Size of the gradient at the end, as the method's optimiser measures it; 0 as above.
  double gradient_norm = 0;
  double log_likelihood =
      0;  ///< of the battles and pseudo-ties, in nats, without penalties; 0 for methods without one
  double log_loss = 0;  ///< -log_likelihood per unit of battle weight; 0 as above
};

// Names of coefficients that are no features.
inline constexpr const char* kDavidsonNu = "nu";  ///< Davidson's ν: odds of a tie at equality, ×2
inline constexpr const char* kRaoKupperEta = "eta";  ///< Rao and Kupper's η, natural log-odds

/// A number of the model besides the ratings.
struct Coefficient {
  std::string name;
  double value = 0;                        ///< a feature: natural log-odds per standard deviation
  std::optional<double> standard_error{};  ///< where a covariance was asked for
};

/// The interval of a coefficient, z standard errors either way; ν, which is positive, on the scale
/// of its logarithm. Empty without a standard error, and where z is not finite.
std::optional<numeric::Interval> coefficient_interval(const Coefficient& coefficient, double z);

/// What a fit of similar data can start from.
struct WarmStart {
  std::vector<double> x;                    ///< the parameters of the method
  std::optional<numeric::Cholesky> factor;  ///< of the Hessian there
  std::vector<double> with_vectors{};       ///< method gpm: strengths and vectors
};

/// One rating per model of a table.
struct Ratings {
  std::vector<double> values{};  ///< [M] by model index, on the method's scale; higher is better
  numeric::Matrix covariance{};  ///< [M, M] of the values, mean-zero gauge; empty where not asked
                                 ///< for, not known or too large to hold
  std::vector<double> variances{};  ///< [M] its diagonal, where the whole was too large to hold
  std::vector<Coefficient> coefficients{};
  numeric::Matrix preference{};  ///< [M, M] natural log-odds that i beats j, where the values alone
                                 ///< do not say it; empty otherwise
  /// Settings that the fit chose by itself from the data: a bootstrap's rounds take them over
  /// instead of choosing again.
  std::vector<Coefficient> tuned{};
  std::shared_ptr<const WarmStart> warm{};
  FitReport report{};
};

/// How much of the covariance is wanted.
enum class Covariance { kNone, kDiagonal, kFull };

/// What every rating method understands.
struct RatingOptions {
  struct Setting {
    std::string name;
    double value = 0;
  };
  /// The method's own parameters by name; absent ones at their defaults.
  std::vector<Setting> settings = {};
  Covariance covariance = Covariance::kNone;  ///< where the method can
  bool clustered = true;  ///< covariance: battles of one cluster may depend on each other
  uint64_t seed = 0;      ///< of methods that start at random
  size_t threads = 0;     ///< 0: as many as there are CPUs; no number changes a rating
  /// The fit of the data that this table is a bootstrap resample of, to start from; links between
  /// models may be missing where a ridge makes up for them. Null: none, this is the data.
  const Ratings* resample_of = nullptr;
};

/// Shifts values so that their mean is `mean`.
void center_(std::span<double> values, double mean);

/// Shifts `values` so that the model stands at `rating`, or their mean does when `model` is empty.
/// Errors: kNotFound - no such model in the table, with a hint.
Result<Ok> anchor_(std::span<double> values,
                   const BattleTable& table,
                   const std::string& model,
                   double rating);

}  // namespace cupel::rank
