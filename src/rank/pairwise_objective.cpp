#include "rank/pairwise_objective.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "numeric/graph_laplacian.h"

namespace cupel::rank {
namespace {

using numeric::Matrix;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// Weights of the outcomes of an item in the order of TiePoint. With half wins a shade y counts as
/// y wins and 1 − y losses, which has the same value, gradient and curvature.
std::array<double, 3> masses(const PairTotal& item) {
  return {item.wins_b(), item.tied, item.wins_a()};
}

/// Σ m·v over the outcomes that occur (what does not occur may be infinite).
double weighted(const std::array<double, 3>& mass, const std::array<double, 3>& values) {
  double sum = 0;
  for (size_t o = 0; o < 3; ++o) {
    if (mass[o] != 0) {
      sum += mass[o] * values[o];
    }
  }
  return sum;
}

/// Calls `body` with the type of the tie model.
template <typename Body>
auto with_link(TieModel ties, Body body) {
  switch (ties) {
    case TieModel::kDavidson:
      return body(Davidson{});
    case TieModel::kRaoKupper:
      return body(RaoKupper{});
    case TieModel::kHalfWin:
      break;
  }
  return body(HalfWin{});
}

/// Second derivatives (or products of scores) of one item.
struct Block {
  double dd = 0;
  double dt = 0;
  double tt = 0;
};

/// Adds dd·uuᵀ, u = (+1 at a, −1 at b, z at the features), and the row of the tie parameter to the
/// lower triangle.
void add_block(Matrix& out,
               const PairTotal& item,
               std::span<const double> z,
               const PairwiseModel& model,
               const Block& block) {
  const size_t a = at(item.a);
  const size_t b = at(item.b);
  out(a, a) += block.dd;
  out(b, b) += block.dd;
  out(std::max(a, b), std::min(a, b)) -= block.dd;
  for (size_t k = 0; k < z.size(); ++k) {
    const std::span<double> row = out.row(model.models + k);
    row[a] += block.dd * z[k];
    row[b] -= block.dd * z[k];
    for (size_t l = 0; l <= k; ++l) {
      row[model.models + l] += block.dd * z[k] * z[l];
    }
  }
  if (!model.estimate_tie_parameter) {
    return;
  }
  const std::span<double> row = out.row(model.models + model.feature_count);
  row[a] += block.dt;
  row[b] -= block.dt;
  for (size_t k = 0; k < z.size(); ++k) {
    row[model.models + k] += block.dt * z[k];
  }
  row[model.models + model.feature_count] += block.tt;
}

/// Σ w²(y − p)², expanded, so that shades count as what they are; rounding may leave a tiny
/// negative when all y equal p.
double half_win_square(const PairTotal& item, double p) {
  const double square = item.won22 - 2 * p * item.won2 + p * p * item.mass2;
  return square > 1e-12 * item.mass2 ? square : 0.0;
}

void mirror(Matrix& out) {
  for (size_t i = 0; i < out.rows(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      out(j, i) = out(i, j);
    }
  }
}

}  // namespace

PairwiseObjective::PairwiseObjective(const PairwiseModel& model)
    : model_(model), inverse_mass_(dimension()) {
  std::vector<double> mass(dimension());
  double total = 0;
  for (const PairTotal& item : model_.items) {
    mass[at(item.a)] += item.mass;
    mass[at(item.b)] += item.mass;
    total += item.mass;
  }
  for (size_t i = 0; i < mass.size(); ++i) {
    const double sum = i < model_.models ? mass[i] + model_.ridge : total;
    inverse_mass_[i] = sum > 0 ? 1 / sum : 1;
  }
}

double PairwiseObjective::gradient_size(std::span<const double> gradient) const {
  double largest = 0;
  for (size_t i = 0; i < gradient.size(); ++i) {
    const double share = std::abs(gradient[i]) * inverse_mass_[i];
    if (std::isnan(share)) {
      return share;  // a maximum would lose it, and it would pass for convergence
    }
    largest = std::max(largest, share);
  }
  return largest;
}

double PairwiseObjective::theta(std::span<const double> x) const {
  if (has_theta()) {
    return x.back();
  }
  // Without ties both parameters stand at the end of their range: ν = 0, η = 0.
  return model_.ties == TieModel::kDavidson ? -std::numeric_limits<double>::infinity() : 0.0;
}

double PairwiseObjective::delta(std::span<const double> x, size_t item) const {
  const PairTotal& pair = model_.items[item];
  double sum = x[at(pair.a)] - x[at(pair.b)];
  const std::span<const double> z = features(item);
  for (size_t k = 0; k < z.size(); ++k) {
    sum += z[k] * x[model_.models + k];
  }
  return sum;
}

double PairwiseObjective::penalise(std::span<const double> x, std::span<double> gradient) const {
  double penalty = 0;
  for (size_t i = 0; i < model_.models + model_.feature_count; ++i) {
    const double ridge = i < model_.models ? model_.ridge : model_.feature_ridge;
    gradient[i] += ridge * x[i];
    penalty += 0.5 * ridge * x[i] * x[i];
  }
  return penalty;
}

template <typename Link>
double PairwiseObjective::evaluate_with(std::span<const double> x,
                                        std::span<double> gradient) const {
  double value = 0;
  const double parameter = theta(x);
  for (size_t i = 0; i < model_.items.size(); ++i) {
    const PairTotal& item = model_.items[i];
    const TiePoint point = Link::at(delta(x, i), parameter);
    const std::array<double, 3> mass = masses(item);
    value += weighted(mass, point.value);
    const double slope = weighted(mass, point.d);
    gradient[at(item.a)] += slope;
    gradient[at(item.b)] -= slope;
    const std::span<const double> z = features(i);
    for (size_t k = 0; k < z.size(); ++k) {
      gradient[model_.models + k] += slope * z[k];
    }
    if (Link::kHasParameter && has_theta()) {
      gradient.back() += weighted(mass, point.t);
    }
  }
  return value;
}

double PairwiseObjective::evaluate(std::span<const double> x, std::span<double> gradient) const {
  std::fill(gradient.begin(), gradient.end(), 0.0);
  const double value =
      with_link(model_.ties, [&](auto link) { return evaluate_with<decltype(link)>(x, gradient); });
  return value + penalise(x, gradient);
}

/// P(a beats b) = s_a / (s_a + s_b), s = e^β: one exponential a model instead of two a pair.
void PairwiseObjective::strength_gradient(std::span<const double> x, std::span<double> out) const {
  std::vector<double> strength(model_.models);
  for (size_t i = 0; i < strength.size(); ++i) {
    strength[i] = std::exp(x[i]);
  }
  for (const PairTotal& item : model_.items) {
    const double a = strength[at(item.a)];
    const double b = strength[at(item.b)];
    const double slope = item.mass * (a / (a + b)) - item.won;
    out[at(item.a)] += slope;
    out[at(item.b)] -= slope;
  }
}

void PairwiseObjective::gradient(std::span<const double> x, std::span<double> out) const {
  // Beyond e^±300 a sum of two strengths could overflow or lose both.
  const bool tame = std::all_of(x.begin(), x.end(), [](double b) { return std::abs(b) < 300; });
  if (model_.ties != TieModel::kHalfWin || model_.feature_count > 0 || !tame) {
    evaluate(x, out);
    return;
  }
  std::fill(out.begin(), out.end(), 0.0);
  strength_gradient(x, out);
  penalise(x, out);
}

template <typename Link>
void PairwiseObjective::hessian_with(std::span<const double> x, Matrix& out) const {
  const double parameter = theta(x);
  for (size_t i = 0; i < model_.items.size(); ++i) {
    const PairTotal& item = model_.items[i];
    const TiePoint point = Link::at(delta(x, i), parameter);
    const std::array<double, 3> mass = masses(item);
    add_block(out, item, features(i), model_,
              {.dd = weighted(mass, point.dd),
               .dt = weighted(mass, point.dt),
               .tt = weighted(mass, point.tt)});
  }
}

void PairwiseObjective::hessian(std::span<const double> x, Matrix& out) const {
  with_link(model_.ties, [&](auto link) { hessian_with<decltype(link)>(x, out); });
  const size_t models = model_.models;
  double trace = 0;
  for (size_t i = 0; i < models; ++i) {
    trace += out(i, i);
  }
  // Any positive size does; the mean diagonal entry keeps the matrix well conditioned.
  const auto m = static_cast<double>(models);
  const double gauge = std::max(trace / m, 1e-300) / m;
  for (size_t i = 0; i < models; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      out(i, j) += gauge;
    }
    out(i, i) += model_.ridge;
  }
  for (size_t k = models; k < models + model_.feature_count; ++k) {
    out(k, k) += model_.feature_ridge;
  }
  mirror(out);
}

double PairwiseObjective::negative_log_likelihood(std::span<const double> x) const {
  double value = 0;
  const double parameter = theta(x);
  with_link(model_.ties, [&](auto link) {
    for (size_t i = 0; i < model_.items.size(); ++i) {
      value += weighted(masses(model_.items[i]), decltype(link)::at(delta(x, i), parameter).value);
    }
  });
  return value;
}

std::vector<numeric::GraphEdge> PairwiseObjective::edges(std::span<const double> x) const {
  std::vector<numeric::GraphEdge> result(model_.items.size());
  const double parameter = theta(x);
  with_link(model_.ties, [&](auto link) {
    for (size_t i = 0; i < result.size(); ++i) {
      const PairTotal& item = model_.items[i];
      result[i] = {item.a, item.b,
                   weighted(masses(item), decltype(link)::at(delta(x, i), parameter).dd)};
    }
  });
  return result;
}

std::vector<double> PairwiseObjective::score_squares(std::span<const double> x) const {
  std::vector<double> result(model_.items.size());
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = half_win_square(model_.items[i], numeric::sigmoid(delta(x, i)));
  }
  return result;
}

template <typename Link>
void PairwiseObjective::moment_with(std::span<const double> x, Matrix& out) const {
  const double parameter = theta(x);
  for (size_t i = 0; i < model_.items.size(); ++i) {
    const PairTotal& item = model_.items[i];
    const TiePoint point = Link::at(delta(x, i), parameter);
    if (!Link::kHasParameter) {
      add_block(out, item, features(i), model_, {.dd = half_win_square(item, point.d[kLossPlace])});
      continue;
    }
    const std::array<double, 3> mass2 = {item.mass2 - item.won2 - 0.5 * item.tied2, item.tied2,
                                         item.won2 - 0.5 * item.tied2};
    Block block;
    for (size_t o = 0; o < 3; ++o) {
      if (mass2[o] > 0) {
        block.dd += mass2[o] * point.d[o] * point.d[o];
        block.dt += mass2[o] * point.d[o] * point.t[o];
        block.tt += mass2[o] * point.t[o] * point.t[o];
      }
    }
    add_block(out, item, features(i), model_, block);
  }
}

Matrix PairwiseObjective::score_moment(std::span<const double> x) const {
  Matrix out(dimension(), dimension());
  with_link(model_.ties, [&](auto link) { moment_with<decltype(link)>(x, out); });
  mirror(out);
  return out;
}

PairwiseObjective::Score PairwiseObjective::score(std::span<const double> x,
                                                  const Battle& battle,
                                                  std::span<const double> features) const {
  double difference = x[at(battle.a)] - x[at(battle.b)];
  for (size_t k = 0; k < features.size(); ++k) {
    difference += features[k] * x[model_.models + k];
  }
  return with_link(model_.ties, [&](auto link) -> Score {
    using Link = decltype(link);
    const TiePoint point = Link::at(difference, theta(x));
    if (!Link::kHasParameter) {
      return {.d = point.d[kLossPlace] - battle.outcome, .t = 0};
    }
    const auto place = static_cast<size_t>(2 * battle.outcome);
    return {.d = point.d[place], .t = has_theta() ? point.t[place] : 0};
  });
}

Result<Ok> PairwiseObjective::newton_step(std::span<const double> x,
                                          std::span<const double> gradient,
                                          std::span<double> step) const {
  if (dimension() <= kMostDenseParameters) {
    return ConvexObjective::newton_step(x, gradient, step);
  }
  if (model_.feature_count > 0 || has_theta()) {
    return invalid_argument(
        "{} models are too many for features or a tie parameter; at most {} go, others need "
        "method bradley-terry",
        model_.models, kMostDenseParameters - model_.feature_count - 1);
  }
  const numeric::GraphLaplacian laplacian(model_.models, edges(x), model_.ridge);
  std::vector<double> right(gradient.size());
  for (size_t i = 0; i < right.size(); ++i) {
    right[i] = -gradient[i];
  }
  return laplacian.solve(right, step, {.relative_tolerance = 1e-10});
}

}  // namespace cupel::rank
