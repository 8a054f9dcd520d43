#include "train/optimiser/gradient_norm.h"

#include <cmath>

namespace cupel::train {

double gradient_norm(std::span<const at::Tensor> gradients) {
  double sum = 0;
  for (const at::Tensor& gradient : gradients) {
    if (gradient.defined()) {
      const auto type = gradient.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
      const auto norm = at::linalg_vector_norm(gradient, 2, {}, false, type).item<double>();
      sum += norm * norm;
    }
  }
  return std::sqrt(sum);
}

void clip_gradients_(std::span<const at::Tensor> gradients, double norm, double max_norm) {
  const double scale = max_norm / (norm + 1e-6);
  if (!(scale < 1)) {
    return;
  }
  for (at::Tensor gradient : gradients) {
    if (gradient.defined()) {
      gradient.mul_(scale);
    }
  }
}

}  // namespace cupel::train
