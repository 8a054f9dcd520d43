#include "rank/gpm_objective.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "numeric/logistic.h"

namespace cupel::rank {
namespace {

using numeric::LbfgsResult;
using numeric::log1p_exp;
using numeric::Matrix;
using numeric::sigmoid;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// out = R·x with R_ab = residual of the pair, R_ba its negative.
void apply(std::span<const PairTotal> pairs,
           std::span<const double> residuals,
           std::span<const double> x,
           std::span<double> out) {
  std::fill(out.begin(), out.end(), 0.0);
  for (size_t k = 0; k < pairs.size(); ++k) {
    out[at(pairs[k].a)] += residuals[k] * x[at(pairs[k].b)];
    out[at(pairs[k].b)] -= residuals[k] * x[at(pairs[k].a)];
  }
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

/// Takes the earlier columns out of `column` and makes it a unit vector; returns its length before
/// that, or 0 and a column of zeros where nothing is left.
double orthonormalise_(std::vector<std::vector<double>>& columns, size_t column) {
  std::vector<double>& x = columns[column];
  const double before = std::sqrt(dot(x, x));
  for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Parlett)
    for (size_t k = 0; k < column; ++k) {
      const double share = dot(columns[k], x);
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] -= share * columns[k][i];
      }
    }
  }
  const double length = std::sqrt(dot(x, x));
  const bool gone = !(length > 1e-10 * before);
  for (double& value : x) {
    value = gone ? 0 : value / length;
  }
  return gone ? 0 : length;
}

}  // namespace

std::vector<PairTotal> counted_totals(std::span<const OutcomeGroup> groups,
                                      std::span<const int64_t> counts) {
  std::vector<PairTotal> pairs;
  for (size_t g = 0; g < groups.size(); ++g) {
    if (counts[g] == 0) {
      continue;
    }
    if (pairs.empty() || pairs.back().a != groups[g].a || pairs.back().b != groups[g].b) {
      pairs.push_back({.a = groups[g].a, .b = groups[g].b});
    }
    pairs.back().add(groups[g].outcome, groups[g].weight, static_cast<double>(counts[g]));
  }
  return pairs;
}

double GpmObjective::log_odds(std::span<const double> x, size_t i, size_t j) const {
  double s = x[i] - x[j];
  const std::span<const double> vi = x.subspan(models + i * dim, dim);
  const std::span<const double> vj = x.subspan(models + j * dim, dim);
  for (size_t l = 0; l < dim; l += 2) {
    s += vi[l] * vj[l + 1] - vi[l + 1] * vj[l];
  }
  return s;
}

double GpmObjective::evaluate(std::span<const double> x, std::span<double> gradient) const {
  double penalty = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double strength = i < models ? ridge : lambda_v;
    gradient[i] = strength * x[i];
    penalty += 0.5 * strength * x[i] * x[i];
  }
  double loss = 0;
  for (const PairTotal& pair : pairs) {
    const size_t a = at(pair.a);
    const size_t b = at(pair.b);
    const double s = log_odds(x, a, b);
    // One exponential for both: ln(1 + eˢ) and σ(s).
    const double e = std::exp(-std::abs(s));
    loss += pair.mass * (std::max(s, 0.0) + std::log1p(e)) - pair.won * s;
    const double residual = pair.mass * (s >= 0 ? 1 : e) / (1 + e) - pair.won;
    gradient[a] += residual;
    gradient[b] -= residual;
    const size_t va = models + a * dim;
    const size_t vb = models + b * dim;
    for (size_t l = 0; l < dim; l += 2) {
      gradient[va + l] += residual * x[vb + l + 1];
      gradient[va + l + 1] -= residual * x[vb + l];
      gradient[vb + l + 1] += residual * x[va + l];
      gradient[vb + l] -= residual * x[va + l + 1];
    }
  }
  return loss + penalty;
}

double GpmObjective::negative_log_likelihood(std::span<const double> x,
                                             std::span<const PairTotal> of) const {
  double loss = 0;
  for (const PairTotal& pair : of) {
    const double s = log_odds(x, at(pair.a), at(pair.b));
    loss += pair.won * log1p_exp(-s) + (pair.mass - pair.won) * log1p_exp(s);
  }
  return loss;
}

double mean_mass_per_model(std::span<const PairTotal> pairs, size_t models) {
  double mass = 0;
  for (const PairTotal& pair : pairs) {
    mass += pair.mass;
  }
  return 2 * mass / static_cast<double>(models);
}

std::vector<double> gpm_unknowns(std::span<const double> beta, const Matrix& vectors) {
  std::vector<double> x(beta.begin(), beta.end());
  x.insert(x.end(), vectors.values().begin(), vectors.values().end());
  return x;
}

Result<LbfgsResult> minimise_gpm(const GpmObjective& objective,
                                 std::span<const double> start,
                                 double share) {
  const double tolerance = share * mean_mass_per_model(objective.pairs, objective.models);
  return numeric::minimise_lbfgs(
      [&](std::span<const double> x, std::span<double> gradient) {
        return objective.evaluate(x, gradient);
      },
      start, {.max_iterations = 5000, .gradient_tolerance = tolerance});
}

SkewStart skew_start(std::span<const PairTotal> pairs,
                     std::span<const double> beta,
                     size_t dim,
                     std::span<const uint64_t> places,
                     uint64_t seed) {
  constexpr int kIterations = 60;  // a start needs no more
  const size_t models = beta.size();
  std::vector<double> residuals;
  for (const PairTotal& pair : pairs) {
    residuals.push_back(pair.won - pair.mass * sigmoid(beta[at(pair.a)] - beta[at(pair.b)]));
  }
  std::vector<std::vector<double>> columns(dim, std::vector<double>(models));
  for (size_t c = 0; c < dim; ++c) {
    for (size_t i = 0; i < models; ++i) {
      columns[c][i] = Rng(seed, mix64(places[i]) ^ c).normal();
    }
    orthonormalise_(columns, c);
  }
  SkewStart start{.vectors = Matrix(models, dim)};
  std::vector<double> image(models);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    for (size_t c = 0; c < dim; ++c) {
      apply(pairs, residuals, columns[c], image);
      columns[c] = image;
    }
    for (size_t c = 0; c < dim; ++c) {
      const double length = orthonormalise_(columns, c);
      start.largest = c == 0 ? length : start.largest;
    }
  }
  // Column 2l lies in the l-th plane; Rᵀ turns it by a right angle within that plane.
  for (size_t c = 0; c < dim; c += 2) {
    apply(pairs, residuals, columns[c], image);
    std::transform(image.begin(), image.end(), columns[c + 1].begin(),
                   [](double value) { return -value; });
    orthonormalise_(columns, c + 1);
    for (size_t i = 0; i < models; ++i) {
      start.vectors(i, c) = columns[c][i];
      start.vectors(i, c + 1) = columns[c + 1][i];
    }
  }
  return start;
}

}  // namespace cupel::rank
