#include "train/model/cast_weights.h"

#include "tensor/autograd.h"

namespace cupel::train {

const at::Tensor& CastWeights::get(const at::Tensor& parameter, at::ScalarType type) {
  Copy& copy = copies_[parameter.unsafeGetTensorImpl()];
  const auto version = static_cast<int64_t>(parameter._version());
  if (copy.version == version && copy.values.scalar_type() == type) {
    return copy.values;
  }
  const tensor::RecordingGuard off(false);
  if (copy.values.defined() && copy.values.scalar_type() == type &&
      copy.values.sizes() == parameter.sizes() && copy.values.device() == parameter.device()) {
    copy.values.copy_(parameter);
  } else {
    copy.values = parameter.to(type);
  }
  copy.parameter = parameter;
  copy.version = version;
  return copy.values;
}

}  // namespace cupel::train
