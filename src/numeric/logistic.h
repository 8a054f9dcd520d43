#pragma once

#include <cmath>

namespace cupel::numeric {

/// ln(1 + eˣ) without overflow or loss of digits.
inline double log1p_exp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
/// 1 / (1 + e⁻ˣ), in [0, 1]; exact complements: sigmoid(x) + sigmoid(-x) = 1 to rounding.
inline double sigmoid(double x) {
  if (x >= 0) {
    return 1.0 / (1.0 + std::exp(-x));
  }
  const double e = std::exp(x);
  return e / (1.0 + e);
}
/// ln(p / (1 - p)), p in (0, 1).
inline double logit(double p) {
  return std::log(p) - std::log1p(-p);
}

}  // namespace cupel::numeric
