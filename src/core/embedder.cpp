#include "core/embedder.h"

#include <cmath>

#include "base/check.h"

namespace cupel {

double cosine_similarity(std::span<const float> a, std::span<const float> b) {
  CUPEL_CHECK(a.size() == b.size(), "vectors of different dimensions");
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    product += x * y;
    a_squares += x * x;
    b_squares += y * y;
  }
  const double lengths = std::sqrt(a_squares) * std::sqrt(b_squares);
  return lengths > 0 ? product / lengths : 0;
}

}  // namespace cupel
