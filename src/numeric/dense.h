#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/result.h"

namespace cupel::numeric {

/// A dense matrix of doubles, row-major. A default-made one is empty (0 × 0).
class Matrix {
 public:
  Matrix() = default;
  Matrix(size_t rows, size_t columns)
      : rows_(rows), columns_(columns), values_(rows * columns, 0.0) {}

  [[nodiscard]] size_t rows() const { return rows_; }
  [[nodiscard]] size_t columns() const { return columns_; }
  [[nodiscard]] bool empty() const { return values_.empty(); }
  double& operator()(size_t row, size_t column) {
    CUPEL_DCHECK(row < rows_ && column < columns_);
    return values_[row * columns_ + column];
  }
  double operator()(size_t row, size_t column) const {
    CUPEL_DCHECK(row < rows_ && column < columns_);
    return values_[row * columns_ + column];
  }
  [[nodiscard]] std::span<const double> row(size_t index) const {
    return {values_.data() + index * columns_, columns_};
  }
  [[nodiscard]] std::span<double> row(size_t index) {
    return {values_.data() + index * columns_, columns_};
  }
  [[nodiscard]] std::span<double> values() { return values_; }
  [[nodiscard]] std::span<const double> values() const { return values_; }

 private:
  size_t rows_ = 0;
  size_t columns_ = 0;
  std::vector<double> values_;
};

/// The product a·b. The inner sizes agree (a bug otherwise).
Matrix multiply(const Matrix& a, const Matrix& b);

/// The factor L of A = L·Lᵀ of a symmetric positive definite matrix.
class Cholesky {
 public:
  /// Factors `a`; only its lower triangle is read.
  ///
  /// Shapes: n × n.   Errors: kFailedPrecondition - not positive definite (or not finite), names
  /// the pivot. Cost:   n³/3 multiplications, n² memory; deterministic.
  static Result<Cholesky> factor(const Matrix& a);

  /// Replaces the right-hand side b [n] by A⁻¹·b.
  void solve_(std::span<double> b) const;
  /// A⁻¹, symmetric to the last bit.
  [[nodiscard]] Matrix inverse() const;
  /// ln det A.
  [[nodiscard]] double log_determinant() const;
  [[nodiscard]] size_t size() const { return lower_.rows(); }
  /// L; what stands above its diagonal means nothing.
  [[nodiscard]] const Matrix& lower() const { return lower_; }

 private:
  explicit Cholesky(Matrix lower) : lower_(std::move(lower)) {}
  Matrix lower_;  // [n, n]; above the diagonal: unused
};

}  // namespace cupel::numeric
