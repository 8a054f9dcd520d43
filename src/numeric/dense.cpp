#include "numeric/dense.h"

#include <cmath>

#include "base/error.h"

namespace cupel::numeric {

Matrix multiply(const Matrix& a, const Matrix& b) {
  CUPEL_CHECK(a.columns() == b.rows(), "inner sizes of a product differ");
  Matrix product(a.rows(), b.columns());
  for (size_t i = 0; i < a.rows(); ++i) {
    const std::span<double> out = product.row(i);
    for (size_t k = 0; k < a.columns(); ++k) {
      const double factor = a(i, k);
      const std::span<const double> row = b.row(k);
      for (size_t j = 0; j < out.size(); ++j) {
        out[j] += factor * row[j];
      }
    }
  }
  return product;
}

Result<Cholesky> Cholesky::factor(const Matrix& a) {
  CUPEL_CHECK(a.rows() == a.columns(), "a Cholesky factor needs a square matrix");
  const size_t n = a.rows();
  Matrix lower(n, n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = a(i, j);
      for (size_t k = 0; k < j; ++k) {
        sum -= lower(i, k) * lower(j, k);
      }
      if (i != j) {
        lower(i, j) = sum / lower(j, j);
        continue;
      }
      // Written so that NaN fails too; a pivot that is all rounding error counts as zero.
      if (!(sum > 1e-14 * std::abs(a(i, i))) || !std::isfinite(sum)) {
        return failed_precondition("matrix is not positive definite (pivot {} of {} is {:.3g})",
                                   i + 1, n, sum);
      }
      lower(i, i) = std::sqrt(sum);
    }
  }
  return Cholesky(std::move(lower));
}

void Cholesky::solve_(std::span<double> b) const {
  const size_t n = size();
  CUPEL_CHECK(b.size() == n, "right-hand side has the wrong length");
  for (size_t i = 0; i < n; ++i) {
    double sum = b[i];
    for (size_t k = 0; k < i; ++k) {
      sum -= lower_(i, k) * b[k];
    }
    b[i] = sum / lower_(i, i);
  }
  for (size_t i = n; i-- > 0;) {
    const double value = b[i] / lower_(i, i);
    b[i] = value;
    for (size_t k = 0; k < i; ++k) {
      b[k] -= lower_(i, k) * value;
    }
  }
}

Matrix Cholesky::inverse() const {
  const size_t n = size();
  Matrix inverse(n, n);
  std::vector<double> column(n);
  for (size_t j = 0; j < n; ++j) {
    std::fill(column.begin(), column.end(), 0.0);
    column[j] = 1.0;
    solve_(column);
    for (size_t i = j; i < n; ++i) {
      inverse(i, j) = column[i];
      inverse(j, i) = column[i];
    }
  }
  return inverse;
}

double Cholesky::log_determinant() const {
  double sum = 0;
  for (size_t i = 0; i < size(); ++i) {
    sum += 2.0 * std::log(lower_(i, i));
  }
  return sum;
}

}  // namespace cupel::numeric
