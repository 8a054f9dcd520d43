#include "numeric/linear_solve.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace cupel::numeric {
namespace {

/// The row at or below `column` with the largest entry in that column.
size_t pivot_row(const Matrix& a, size_t column) {
  size_t best = column;
  for (size_t row = column + 1; row < a.rows(); ++row) {
    if (std::abs(a(row, column)) > std::abs(a(best, column))) {
      best = row;
    }
  }
  return best;
}

void swap_rows(Matrix& a, std::span<double> x, size_t i, size_t j) {
  if (i != j) {
    std::swap_ranges(a.row(i).begin(), a.row(i).end(), a.row(j).begin());
    std::swap(x[i], x[j]);
  }
}

}  // namespace

Result<std::vector<double>> solve_linear(Matrix a, std::span<const double> b) {
  const size_t n = a.rows();
  CUPEL_CHECK(a.columns() == n && b.size() == n, "a linear system is square");
  std::vector<double> x(b.begin(), b.end());
  double largest = 0;
  for (const double value : a.values()) {
    largest = std::max(largest, std::abs(value));
  }
  for (size_t k = 0; k < n; ++k) {
    swap_rows(a, x, k, pivot_row(a, k));
    const double pivot = a(k, k);
    // Written so that NaN fails too.
    if (!(std::abs(pivot) > 1e-15 * largest) || !std::isfinite(pivot)) {
      return failed_precondition("matrix is singular (pivot {} of {} is {:.3g})", k + 1, n, pivot);
    }
    const std::span<const double> upper = a.row(k);
    for (size_t i = k + 1; i < n; ++i) {
      const double factor = a(i, k) / pivot;
      if (factor == 0) {
        continue;
      }
      const std::span<double> row = a.row(i);
      for (size_t j = k + 1; j < n; ++j) {
        row[j] -= factor * upper[j];
      }
      x[i] -= factor * x[k];
    }
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t j = i + 1; j < n; ++j) {
      x[i] -= a(i, j) * x[j];
    }
    x[i] /= a(i, i);
  }
  return x;
}

}  // namespace cupel::numeric
