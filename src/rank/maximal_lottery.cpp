#include "rank/maximal_lottery.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "numeric/linear_solve.h"

namespace cupel::rank {
namespace {

using numeric::Matrix;

constexpr size_t kMostCycleModels = 512;
constexpr size_t kMostLotteryModels = 1000;  // a minute of work
constexpr double kLastTemperature = 1e-8;    // of a game scaled to a largest entry of 1
constexpr double kMostGain = 1e-6;

Result<Ok> require_antisymmetric(const Matrix& s) {
  if (s.empty() || s.rows() != s.columns()) {
    return invalid_argument("a preference matrix is square and not empty; this one is {} x {}",
                            s.rows(), s.columns());
  }
  for (size_t i = 0; i < s.rows(); ++i) {
    for (size_t j = 0; j <= i; ++j) {
      if (!std::isfinite(s(i, j)) ||
          !(std::abs(s(i, j) + s(j, i)) <= 1e-9 * (1 + std::abs(s(i, j))))) {
        return invalid_argument(
            "preference is {:g} at ({}, {}) and {:g} at ({}, {}); the two must be finite and "
            "negatives of each other",
            s(i, j), i, j, s(j, i), j, i);
      }
    }
  }
  return Ok{};
}

/// The logit equilibrium of a symmetric game: u = S·p/τ up to a constant, p = softmax(u).
class LogitEquilibrium {
 public:
  explicit LogitEquilibrium(Matrix game)
      : game_(std::move(game)), u_(game_.rows()), residual_(game_.rows()) {}

  /// Newton's method at one temperature, from wherever the last one ended. It ends when the
  /// residual is within rounding error of u, which is that of S·p over τ, or when no step shrinks
  /// it.
  Result<Ok> solve(double temperature) {
    constexpr int kMostSteps = 100;
    temperature_ = temperature;
    double norm = refresh(u_);
    for (int i = 0; i < kMostSteps && norm > 1e-12 + 1e-14 / temperature; ++i) {
      CUPEL_TRY(const std::vector<double> step, newton_step());
      if (!improve(step, norm)) {
        break;
      }
    }
    refresh(u_);
    return Ok{};
  }
  [[nodiscard]] const std::vector<double>& shares() const { return p_; }
  /// What the best single model gains against the shares.
  [[nodiscard]] double largest_gain() const {
    double gain = 0;
    for (size_t i = 0; i < u_.size(); ++i) {
      gain = std::max(gain, payoff(i));
    }
    return gain;
  }

 private:
  [[nodiscard]] double payoff(size_t i) const {
    double sum = 0;
    for (size_t j = 0; j < u_.size(); ++j) {
      sum += game_(i, j) * p_[j];
    }
    return sum;
  }
  /// Computes shares and residual at u; returns the residual's length.
  double refresh(std::span<const double> u) {
    const double highest = *std::max_element(u.begin(), u.end());
    double sum = 0;
    p_.resize(u.size());
    for (size_t i = 0; i < u.size(); ++i) {
      p_[i] = std::exp(u[i] - highest);
      sum += p_[i];
    }
    for (double& share : p_) {
      share /= sum;
    }
    double mean = 0;
    for (size_t i = 0; i < u.size(); ++i) {
      residual_[i] = u[i] - payoff(i) / temperature_;
      mean += residual_[i] / static_cast<double>(u.size());
    }
    double squares = 0;
    for (double& value : residual_) {
      value -= mean;
      squares += value * value;
    }
    return std::sqrt(squares);
  }
  /// Solves (I − S·(diag p − p·pᵀ)/τ)·step = −residual.
  ///
  /// With diag p − p·pᵀ = L·Lᵀ, L = √p·(I − q·qᵀ) and q = √p, the step is −r + S·L·y/τ where
  /// (I − Lᵀ·S·L/τ)·y = −Lᵀ·r: the identity less an antisymmetric matrix, never near singular,
  /// which the plain form is to rounding once shares vanish.
  Result<std::vector<double>> newton_step() {
    const size_t n = u_.size();
    std::vector<double> q(n);
    std::vector<double> mean(n);
    for (size_t i = 0; i < n; ++i) {
      q[i] = std::sqrt(p_[i]);
      mean[i] = payoff(i);
    }
    Matrix system(n, n);
    std::vector<double> right(n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        system(i, j) =
            (i == j ? 1.0 : 0.0) - q[i] * q[j] * (game_(i, j) + mean[j] - mean[i]) / temperature_;
      }
      right[i] = -q[i] * residual_[i];
    }
    project_out_(q, right);
    CUPEL_TRY(std::vector<double> y, numeric::solve_linear(std::move(system), right));
    project_out_(q, y);
    std::vector<double> step(n);
    for (size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (size_t j = 0; j < n; ++j) {
        sum += game_(i, j) * q[j] * y[j];
      }
      step[i] = sum / temperature_ - residual_[i];
    }
    return step;
  }
  /// Takes the part along the unit vector q out of x.
  static void project_out_(std::span<const double> q, std::span<double> x) {
    double along = 0;
    for (size_t i = 0; i < q.size(); ++i) {
      along += q[i] * x[i];
    }
    for (size_t i = 0; i < q.size(); ++i) {
      x[i] -= along * q[i];
    }
  }
  /// Moves along the step as far as it shrinks the residual; false when it does not.
  bool improve(std::span<const double> step, double& norm) {
    std::vector<double> trial(u_.size());
    for (double scale = 1; scale > 1e-10; scale *= 0.5) {
      for (size_t i = 0; i < trial.size(); ++i) {
        trial[i] = u_[i] + scale * step[i];
      }
      const double next = refresh(trial);
      if (next < (1 - 1e-4 * scale) * norm) {
        u_ = std::move(trial);
        norm = next;
        return true;
      }
    }
    return false;
  }

  Matrix game_;
  double temperature_ = 1;
  std::vector<double> u_;
  std::vector<double> residual_;
  std::vector<double> p_;
};

/// The smallest set of models each of which beats every model outside: nobody else has a share.
/// Its members win more pairs than others (ties as halves), so it is a beginning of that order.
/// Source: Smith 1973, "Aggregation of preferences with variable electorate".
std::vector<size_t> dominant_set(const Matrix& s) {
  const size_t models = s.rows();
  std::vector<double> wins(models);
  std::vector<size_t> order(models);
  for (size_t i = 0; i < models; ++i) {
    order[i] = i;
    for (size_t j = 0; j < models; ++j) {
      wins[i] += s(i, j) > 0 ? 1 : (s(i, j) == 0 ? 0.5 : 0);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t i, size_t j) { return wins[i] > wins[j]; });
  size_t inside = 0;
  size_t crossing = 0;  // pairs of one inside that beats one outside
  do {
    const size_t next = order[inside];
    for (size_t k = 0; k < models; ++k) {
      crossing -= k < inside && s(order[k], next) > 0 ? 1 : 0;
      crossing += k > inside && s(next, order[k]) > 0 ? 1 : 0;
    }
    ++inside;
  } while (crossing < inside * (models - inside));
  order.resize(inside);
  return order;
}

/// The game of some models, scaled to a largest entry of 1; all zeros stay.
Matrix game_of(const Matrix& s, std::span<const size_t> models) {
  Matrix game(models.size(), models.size());
  double largest = 0;
  for (size_t i = 0; i < models.size(); ++i) {
    for (size_t j = 0; j < models.size(); ++j) {
      largest = std::max(largest, std::abs(s(models[i], models[j])));
    }
  }
  for (size_t i = 0; i < models.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      game(i, j) = largest > 0 ? s(models[i], models[j]) / largest : 0;
      game(j, i) = -game(i, j);
    }
  }
  return game;
}

/// The shares of models that all may have one.
Result<std::vector<double>> solve_game(Matrix game) {
  LogitEquilibrium equilibrium(std::move(game));
  for (double temperature = 1; temperature > kLastTemperature / 4; temperature /= 4) {
    CUPEL_TRY_VOID(equilibrium.solve(temperature));
  }
  if (!(equilibrium.largest_gain() <= kMostGain)) {
    return deadline_passed("maximal lottery: a model still gains {:.3g} of the largest preference",
                           equilibrium.largest_gain());
  }
  return equilibrium.shares();
}

/// The strongest cycles so far, as a heap with the weakest of them on top.
class StrongestCycles {
 public:
  StrongestCycles(const Matrix& preference, size_t most) : preference_(preference), most_(most) {}

  /// Three models, i < j < k: in a circle one way, the other way, or not at all.
  void look_at(int32_t i, int32_t j, int32_t k) {
    const double forward = std::min({s(i, j), s(j, k), s(k, i)});
    const double backward = std::min({s(j, i), s(k, j), s(i, k)});
    if (forward > 0) {
      add({i, j, k, forward});
    } else if (backward > 0) {
      add({i, k, j, backward});
    }
  }
  std::vector<PreferenceCycle> take() {
    std::sort_heap(cycles_.begin(), cycles_.end(), stronger);
    return std::move(cycles_);
  }

 private:
  static bool stronger(const PreferenceCycle& x, const PreferenceCycle& y) {
    return std::tuple(-x.weakest, x.i, x.j, x.k) < std::tuple(-y.weakest, y.i, y.j, y.k);
  }
  [[nodiscard]] double s(int32_t i, int32_t j) const {
    return preference_(static_cast<size_t>(i), static_cast<size_t>(j));
  }
  void add(const PreferenceCycle& cycle) {
    cycles_.push_back(cycle);
    std::push_heap(cycles_.begin(), cycles_.end(), stronger);
    if (cycles_.size() > most_) {
      std::pop_heap(cycles_.begin(), cycles_.end(), stronger);
      cycles_.pop_back();
    }
  }
  const Matrix& preference_;
  size_t most_;
  std::vector<PreferenceCycle> cycles_;
};

}  // namespace

Result<std::vector<double>> maximal_lottery(const Matrix& preference) {
  CUPEL_TRY_VOID(require_antisymmetric(preference));
  const std::vector<size_t> models = dominant_set(preference);
  if (models.size() > kMostLotteryModels) {
    return unsupported("maximal lottery: {} models beat one another in circles; at most {} go",
                       models.size(), kMostLotteryModels);
  }
  CUPEL_TRY(const std::vector<double> shares, solve_game(game_of(preference, models)));
  std::vector<double> result(preference.rows());
  for (size_t k = 0; k < models.size(); ++k) {
    result[models[k]] = shares[k];
  }
  return result;
}

std::vector<PreferenceCycle> preference_cycles(const Matrix& preference,
                                               std::span<const int32_t> models,
                                               size_t most) {
  std::vector<int32_t> sorted(models.begin(), models.end());
  sorted.resize(std::min(sorted.size(), kMostCycleModels));
  std::sort(sorted.begin(), sorted.end());
  StrongestCycles cycles(preference, most);
  for (size_t x = 0; x < sorted.size(); ++x) {
    for (size_t y = x + 1; y < sorted.size(); ++y) {
      for (size_t z = y + 1; z < sorted.size(); ++z) {
        cycles.look_at(sorted[x], sorted[y], sorted[z]);
      }
    }
  }
  return cycles.take();
}

}  // namespace cupel::rank
