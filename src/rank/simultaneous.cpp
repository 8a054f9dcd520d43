#include "rank/simultaneous.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "numeric/statistics.h"

namespace cupel::rank {
namespace {

using numeric::Cholesky;
using numeric::Matrix;

constexpr size_t kLanes = 16;  // draws side by side

/// V plus a multiple of 11ᵀ, which makes it invertible and which no deviation from the mean feels,
/// and a trace of the identity: a model with a single tie has no variance against its opponent.
Result<Cholesky> factor_gauged(const Matrix& covariance) {
  constexpr double kTrace = 1e-10;
  const size_t n = covariance.rows();
  double trace = 0;
  for (size_t i = 0; i < n; ++i) {
    trace += covariance(i, i);
  }
  // Elo points squared: real errors are a million times as large.
  constexpr double kNoSpread = 1e-6;
  if (!(trace > kNoSpread * static_cast<double>(n))) {
    return failed_precondition(
        "the votes have no spread to make intervals of (nothing but ties, or clusters that all "
        "voted alike); --ci none shows the ratings");
  }
  Matrix gauged = covariance;
  for (double& value : gauged.values()) {
    value += trace / static_cast<double>(n * n);
  }
  for (size_t i = 0; i < n; ++i) {
    gauged(i, i) += kTrace * trace / static_cast<double>(n);
  }
  return Cholesky::factor(gauged);
}

/// 1 / error of every rating [n] and, packed by (i, j < i), of every difference; 0 where it is 0.
struct Precisions {
  std::vector<float> ratings;
  std::vector<float> differences;
};

/// `scale` is what rounding of the variance is measured against.
float inverse_error(double variance, double scale) {
  return variance > kNoVariance * scale ? static_cast<float>(1 / std::sqrt(variance)) : 0.0F;
}

Precisions precisions_of(const Matrix& v) {
  Precisions result;
  for (size_t i = 0; i < v.rows(); ++i) {
    result.ratings.push_back(inverse_error(v(i, i), v(i, i)));
    for (size_t j = 0; j < i; ++j) {
      const double scale = v(i, i) + v(j, j);
      result.differences.push_back(inverse_error(scale - 2 * v(i, j), scale));
    }
  }
  return result;
}

/// Largest |t| of each of kLanes draws; `values` [n, kLanes].
struct Largest {
  std::array<float, kLanes> rating{};
  std::array<float, kLanes> difference{};
};

Largest largest_of(const std::vector<float>& values, const Precisions& precisions) {
  Largest result;
  const float* precision = precisions.differences.data();
  for (size_t i = 0; i < precisions.ratings.size(); ++i) {
    const float* own = values.data() + i * kLanes;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float t = std::abs(own[lane]) * precisions.ratings[i];
      result.rating[lane] = std::max(result.rating[lane], t);
    }
    for (size_t j = 0; j < i; ++j, ++precision) {
      const float* other = values.data() + j * kLanes;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float t = std::abs(own[lane] - other[lane]) * *precision;
        result.difference[lane] = std::max(result.difference[lane], t);
      }
    }
  }
  return result;
}

/// kLanes draws of N(0, V), each a function of (seed, draw) alone.
std::vector<float> draw_lanes(const Matrix& lower, uint64_t seed, size_t first) {
  const size_t n = lower.rows();
  std::vector<float> normal(n * kLanes);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    Rng rng(seed, first + lane);
    for (size_t i = 0; i < n; ++i) {
      normal[i * kLanes + lane] = static_cast<float>(rng.normal());
    }
  }
  std::vector<float> values(n * kLanes);
  std::array<float, kLanes> mean{};
  for (size_t i = 0; i < n; ++i) {
    std::array<float, kLanes> sum{};
    for (size_t k = 0; k <= i; ++k) {
      const auto factor = static_cast<float>(lower(i, k));
      for (size_t lane = 0; lane < kLanes; ++lane) {
        sum[lane] += factor * normal[k * kLanes + lane];
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      values[i * kLanes + lane] = sum[lane];
      mean[lane] += sum[lane] / static_cast<float>(n);
    }
  }
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] -= mean[i % kLanes];
  }
  return values;
}

/// The order statistic that an equal draw exceeds with probability 1 − confidence at most.
double critical(std::vector<float>& largest, double confidence) {
  const auto count = static_cast<double>(largest.size());
  const auto place = std::min(count - 1, std::ceil(confidence * (count + 1)) - 1);
  const auto nth = largest.begin() + static_cast<std::ptrdiff_t>(std::max(place, 0.0));
  std::nth_element(largest.begin(), nth, largest.end());
  return static_cast<double>(*nth);
}

double chi_square_radius(size_t models, double confidence) {
  return numeric::chi_square_quantile(confidence, static_cast<double>(models - 1));
}

}  // namespace

Result<SimultaneousSet> simultaneous_set(const Matrix& covariance,
                                         const SimultaneousOptions& options) {
  CUPEL_TRY(const Cholesky factor, factor_gauged(covariance));
  const Precisions precisions = precisions_of(covariance);
  const auto draws = static_cast<size_t>((options.draws + kLanes - 1) / kLanes * kLanes);
  std::vector<float> ratings(draws);
  std::vector<float> differences(draws);
  ThreadPool pool(options.threads == 0 ? available_cpus() : options.threads);
  pool.for_each_chunk(draws, kLanes, [&](size_t begin, size_t /*end*/) {
    const Largest largest = largest_of(draw_lanes(factor.lower(), options.seed, begin), precisions);
    std::copy(largest.rating.begin(), largest.rating.end(),
              ratings.begin() + static_cast<std::ptrdiff_t>(begin));
    std::copy(largest.difference.begin(), largest.difference.end(),
              differences.begin() + static_cast<std::ptrdiff_t>(begin));
  });
  return SimultaneousSet{.rating_t = critical(ratings, options.confidence),
                         .difference_t = critical(differences, options.confidence),
                         .chi_square = chi_square_radius(covariance.rows(), options.confidence)};
}

SimultaneousSet simultaneous_set_of_draws(const Matrix& draws,
                                          double confidence,
                                          Matrix& covariance) {
  const size_t models = draws.columns();
  const auto rounds = static_cast<double>(draws.rows());
  std::vector<double> mean(models);
  for (size_t round = 0; round < draws.rows(); ++round) {
    for (size_t i = 0; i < models; ++i) {
      mean[i] += draws(round, i) / rounds;
    }
  }
  covariance = Matrix(models, models);
  for (size_t round = 0; round < draws.rows(); ++round) {
    for (size_t i = 0; i < models; ++i) {
      const double gap = (draws(round, i) - mean[i]) / (rounds - 1);
      for (size_t j = 0; j <= i; ++j) {
        covariance(i, j) += gap * (draws(round, j) - mean[j]);
      }
    }
  }
  for (size_t i = 0; i < models; ++i) {
    for (size_t j = 0; j < i; ++j) {
      covariance(j, i) = covariance(i, j);
    }
  }
  const Precisions precisions = precisions_of(covariance);
  std::vector<float> ratings;
  std::vector<float> differences;
  std::vector<float> values(models * kLanes);
  for (size_t begin = 0; begin < draws.rows(); begin += kLanes) {
    const size_t lanes = std::min(kLanes, draws.rows() - begin);
    for (size_t i = 0; i < models; ++i) {
      for (size_t lane = 0; lane < lanes; ++lane) {
        values[i * kLanes + lane] = static_cast<float>(draws(begin + lane, i) - mean[i]);
      }
    }
    const Largest largest = largest_of(values, precisions);
    ratings.insert(ratings.end(), largest.rating.begin(),
                   largest.rating.begin() + static_cast<std::ptrdiff_t>(lanes));
    differences.insert(differences.end(), largest.difference.begin(),
                       largest.difference.begin() + static_cast<std::ptrdiff_t>(lanes));
  }
  return {.rating_t = critical(ratings, confidence),
          .difference_t = critical(differences, confidence),
          .chi_square = chi_square_radius(models, confidence)};
}

Result<double> squared_distance(std::span<const double> estimate,
                                std::span<const double> truth,
                                const Matrix& covariance) {
  CUPEL_CHECK(estimate.size() == truth.size() && estimate.size() == covariance.rows(),
              "vectors and covariance have one size");
  CUPEL_TRY(const Cholesky factor, factor_gauged(covariance));
  std::vector<double> gap(estimate.size());
  double mean = 0;
  for (size_t i = 0; i < gap.size(); ++i) {
    gap[i] = estimate[i] - truth[i];
    mean += gap[i] / static_cast<double>(gap.size());
  }
  for (double& value : gap) {
    value -= mean;
  }
  std::vector<double> solved = gap;
  factor.solve_(solved);
  double sum = 0;
  for (size_t i = 0; i < gap.size(); ++i) {
    sum += gap[i] * solved[i];
  }
  return sum;
}

}  // namespace cupel::rank
