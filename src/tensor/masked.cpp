#include "tensor/masked.h"

#include <cmath>

namespace cupel::tensor {

at::Tensor masked(const at::Tensor& values, const at::Tensor& mask) {
  return at::where(mask, values, at::zeros_like(values));
}

// Each factor by itself: a product that is dropped would still send 0 · NaN back.
at::Tensor masked_sum(const at::Tensor& values, const at::Tensor& mask, const at::Tensor& weights) {
  const at::Tensor kept = masked(values, mask);                                      // [B,T]
  return weights.defined() ? (kept * masked(weights, mask)).sum(-1) : kept.sum(-1);  // [B]
}

at::Tensor masked_count(const at::Tensor& mask, const at::Tensor& weights, const at::Tensor& like) {
  return (weights.defined() ? masked(weights, mask) : mask)
      .sum(-1, false, like.scalar_type());  // [B]
}

at::Tensor log1mexp(const at::Tensor& a) {
  // Each branch sees an argument that it can take, since the gradient of the branch that `where`
  // drops is multiplied by 0, and 0 · ∞ would be NaN.
  const double border = -std::log(2.0);
  const at::Tensor near = a > border;
  const at::Tensor shallow = at::where(near, a, at::full_like(a, border));
  const at::Tensor deep = at::where(near, at::full_like(a, border), a);
  return at::where(near, at::log(-at::expm1(shallow)), at::log1p(-at::exp(deep)));
}

}  // namespace cupel::tensor
