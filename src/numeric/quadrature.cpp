#include "numeric/quadrature.h"

#include <cmath>

#include "base/error.h"

namespace cupel::numeric {
namespace {

constexpr int64_t kMostPoints = 128;
constexpr int kMostSteps = 100;  // halving alone needs 60

/// The orthonormal Hermite polynomial of degree n at x, h_{k+1} = (x·h_k − √k·h_{k−1})/√(k+1), the
/// one of degree n − 1, and Σ_{k<n} h_k², whose inverse at a root is the root's weight.
struct HermiteValue {
  double value = 1;
  double before = 0;
  double square_sum = 0;
};
HermiteValue hermite(int64_t n, double x) {
  HermiteValue at;
  double root_k = 0;
  for (int64_t k = 0; k < n; ++k) {
    at.square_sum += at.value * at.value;
    const double root_next = std::sqrt(static_cast<double>(k + 1));
    const double next = (x * at.value - root_k * at.before) / root_next;
    at.before = at.value;
    at.value = next;
    root_k = root_next;
  }
  return at;
}

/// The one root of degree n between `low` and `high`: Newton steps, h_n' = √n·h_{n−1}, and halving
/// where a step would leave the bracket.
double root_between(int64_t n, double low, double high) {
  const bool rises = hermite(n, low).value < 0;
  const double root_n = std::sqrt(static_cast<double>(n));
  double x = low + (high - low) / 2;
  for (int step = 0; step < kMostSteps; ++step) {
    const HermiteValue at = hermite(n, x);
    const double newton = x - at.value / (root_n * at.before);
    if (std::abs(newton - x) <= 1e-14 * std::abs(x)) {
      return newton;  // the next step would be of the order of the square
    }
    ((at.value < 0) == rises ? low : high) = x;
    x = newton > low && newton < high ? newton : low + (high - low) / 2;
  }
  return x;
}

/// The positive roots of degree n from those of degree n − 1: between two neighbours of one degree
/// lies exactly one root of the next, and all are smaller than √(4n + 2).
std::vector<double> next_roots(int64_t n, const std::vector<double>& previous) {
  std::vector<double> roots;
  double low = 0;
  // An even degree has a root between 0 (a root of the odd degree before) and the first; an odd
  // degree has 0 itself as a root, which is left out here.
  if (n % 2 == 1 && !previous.empty()) {
    low = previous.front();
  }
  const size_t first = n % 2 == 1 ? 1 : 0;
  for (size_t i = first; i < previous.size(); ++i) {
    roots.push_back(root_between(n, low, previous[i]));
    low = previous[i];
  }
  if (n > 1) {
    roots.push_back(root_between(n, low, std::sqrt(static_cast<double>(4 * n + 2))));
  }
  return roots;
}

}  // namespace

Result<QuadratureRule> gauss_hermite(int64_t n) {
  if (n < 1 || n > kMostPoints) {
    return invalid_argument("gauss-hermite: {} points; expected 1 to {}", n, kMostPoints);
  }
  std::vector<double> positive;
  for (int64_t degree = 1; degree <= n; ++degree) {
    positive = next_roots(degree, positive);
  }
  QuadratureRule rule;
  for (auto root = positive.rbegin(); root != positive.rend(); ++root) {
    rule.points.push_back(-*root);
  }
  if (n % 2 == 1) {
    rule.points.push_back(0);
  }
  rule.points.insert(rule.points.end(), positive.begin(), positive.end());
  for (const double point : rule.points) {
    rule.weights.push_back(1 / hermite(n, point).square_sum);
  }
  return rule;
}

}  // namespace cupel::numeric
