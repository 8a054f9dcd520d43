#include "train/model/norm.h"

namespace cupel::train {

at::Tensor norm(const at::Tensor& x,
                const at::Tensor& weight,
                const at::Tensor& bias,
                const NormSettings& settings) {
  const auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor values = x.to(type);
  if (settings.kind == engine::NormKind::kLayer) {
    values = values - values.mean(-1, /*keepdim=*/true);
  }
  const at::Tensor scale = at::rsqrt(values.square().mean(-1, true) + settings.epsilon);
  const at::Tensor factor = settings.plus_one ? weight.to(type) + 1 : weight.to(type);
  at::Tensor result = values * scale * factor;
  if (bias.defined()) {
    result = result + bias.to(type);
  }
  return result.to(x.scalar_type());
}

}  // namespace cupel::train
