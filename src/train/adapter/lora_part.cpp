#include "train/adapter/lora_part.h"

#include <cmath>

#include "base/rng.h"
#include "tensor/autograd.h"

namespace cupel::train {
namespace {

// Draws of one pass and module: more than any batch has inputs.
constexpr uint64_t kDrawsPerPass = uint64_t{1} << 40U;

at::ScalarType exact_type(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace

at::Tensor LoraPart::change() const {
  const auto type = exact_type(a);
  const at::Tensor product = at::mm(b.to(type), a.to(type)) * scale;  // [O, I], [D, V]
  return embedding ? product.t() : product;
}

at::Tensor row_norms(const LoraPart& part) {
  const tensor::RecordingGuard off(false);
  const at::Tensor adapted = part.weight.to(exact_type(part.a)) + part.change();
  return adapted.square().sum(1).sqrt();  // [O]
}

at::Tensor dropout_mask(const LoraPart& part, uint64_t draw, const at::Tensor& like) {
  at::Tensor mask = at::empty(like.sizes(), at::kFloat);
  auto* values = mask.mutable_data_ptr<float>();
  const int64_t count = mask.numel();
  const auto threshold = static_cast<uint64_t>(std::ldexp(part.dropout, 32));
  const auto kept = static_cast<float>(1 / (1 - part.dropout));
  for (int64_t i = 0; i < count; i += 2) {  // two of 32 bits each
    const uint64_t bits =
        random_bits(part.seed, part.stream, draw * kDrawsPerPass + static_cast<uint64_t>(i) / 2);
    values[i] = (bits >> 32U) < threshold ? 0.0F : kept;
    if (i + 1 < count) {
      values[i + 1] = (bits & 0xFFFFFFFFULL) < threshold ? 0.0F : kept;
    }
  }
  return mask.to(like.device(), like.scalar_type());
}

// PEFT's form of DoRA with dropout: W x + b + (g - 1) W d + g s B A d, where d is x with dropout
// and g = m / ‖W + s B A‖; without dropout it is g (W x + s B A x) + b.
at::Tensor LoraLinear::apply(const at::Tensor& input,
                             const at::Tensor& weight,
                             const at::Tensor& bias,
                             const Pass& pass) const {
  const at::ScalarType compute = pass.compute;
  const bool drops = pass.dropout.has_value() && part_->dropout > 0;
  const at::Tensor x =
      drops ? input * dropout_mask(*part_, *pass.dropout, input) : input;  // [T, I]
  // The scale goes to the narrow side, and the product is added where the layer's own stands.
  const at::Tensor low = at::linear(x, part_->a.to(compute)) * part_->scale;  // [T, r]
  const at::Tensor b = part_->b.to(compute);                                  // [O, r]
  if (!part_->magnitude.defined()) {
    return linear_product(input, weight, bias, pass).addmm_(low, b.t());
  }
  const at::Tensor change = at::linear(low, b);                             // [T, O]
  const at::Tensor g = (part_->magnitude / row_norms(*part_)).to(compute);  // [O]
  at::Tensor result = linear_product(input, weight, {}, pass);
  result = drops ? result + (g - 1) * linear_product(x, weight, {}, pass) + g * change
                 : g * (result + change);
  return bias.defined() ? result + bias.to(compute) : result;
}

std::vector<at::Tensor> LoraLinear::tensors() const {
  std::vector<at::Tensor> result{part_->a, part_->b};
  if (part_->magnitude.defined()) {
    result.push_back(part_->magnitude);
  }
  return result;
}

at::Tensor LoraEmbedding::apply(const at::Tensor& ids,
                                const at::Tensor& weight,
                                const Pass& /*pass*/) const {
  const at::Tensor rows = part_->a.index_select(1, ids).t();            // [T, r]
  const at::Tensor change = at::linear(rows, part_->b) * part_->scale;  // [T, D]
  return at::embedding(weight, ids) + change.to(weight.scalar_type());
}

}  // namespace cupel::train
