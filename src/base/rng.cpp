#include "base/rng.h"

#include <cmath>
#include <numbers>

namespace cupel {

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log1p(-unit()));
  return radius * std::cos(2.0 * std::numbers::pi * unit());
}

}  // namespace cupel
