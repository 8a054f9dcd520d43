#include "train/adapter/lora_part.h"

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/rng.h"
#include "tensor/autograd.h"
#include "tensor/parallel.h"

namespace cupel::train {
namespace {

at::ScalarType exact_type(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

/// y = x Wᵀ + b + (s d Aᵀ) Bᵀ with d the input after dropout, of which W and b are frozen. Inputs:
/// x, A, B, and d where it is another tensor than x.
///
/// One step instead of libtorch's five: the gradient of x is written once, and in the sums over
/// tokens the thin matrix is the one that products have to turn round.
class LoraProduct final : public tensor::Operation {
 public:
  LoraProduct(at::Tensor weight, at::Tensor bias, double scale)
      : weight_(std::move(weight)), bias_(std::move(bias)), scale_(scale) {}

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    const at::Tensor& x = inputs[0];
    const at::Tensor& dropped = inputs.size() > 3 ? inputs[3] : x;
    type_ = inputs[1].scalar_type();
    const at::Tensor a = inputs[1].to(x.scalar_type());                    // [r, I]
    const at::Tensor b = inputs[2].to(x.scalar_type());                    // [O, r]
    const at::Tensor low = at::mm(dropped, a.t()).mul_(scale_);            // [T, r]
    at::Tensor output = at::linear(x, weight_, bias_).addmm_(low, b.t());  // [T, O]
    saved = {dropped, low, a, b, weight_};
    weight_.reset();  // what is saved is watched for changes
    return {output};
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& needed) override {
    std::vector<at::Tensor> result(needed.size());
    if (!gradients.front().defined()) {
      return result;
    }
    const at::Tensor of_output = gradients.front().contiguous();
    const at::Tensor of_low = at::mm(of_output, saved[3]).mul_(scale_);  // [T, r]
    if (needed[1]) {
      result[1] = at::mm(of_low.t(), saved[0]).to(type_);
    }
    if (needed[2]) {
      result[2] = at::mm(saved[1].t(), of_output).t().to(type_).contiguous();
    }
    const bool drops = needed.size() > 3;
    if (needed[0]) {
      result[0] = at::mm(of_output, saved[4]);
      if (!drops) {
        result[0].addmm_(of_low, saved[2]);
      }
    }
    if (drops && needed[3]) {
      result[3] = at::mm(of_low, saved[2]);
    }
    return result;
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  double scale_;
  at::ScalarType type_ = at::kFloat;  // of A and B
};

bool trains(const at::Tensor& tensor) {
  return tensor.defined() && tensor.requires_grad();
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
  const auto draws = (count + 1) / 2;                 // of two numbers with 32 bits each
  const uint64_t stream = part.stream ^ mix64(draw);  // of this module in this pass
  const auto fill = [&](int64_t /*part*/, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t bits = random_bits(part.seed, stream, static_cast<uint64_t>(i));
      values[2 * i] = (bits >> 32U) < threshold ? 0.0F : kept;
      if (2 * i + 1 < count) {
        values[2 * i + 1] = (bits & 0xFFFFFFFFULL) < threshold ? 0.0F : kept;
      }
    }
  };
  tensor::for_each_part(draws, tensor::parts_of(draws, 1 << 12), fill);
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
  if (!part_->magnitude.defined()) {
    CUPEL_CHECK(!trains(weight) && !trains(bias), "an adapter beside a frozen layer");
    std::vector<at::Tensor> inputs{input, part_->a, part_->b};
    if (drops) {
      inputs.push_back(x);
    }
    const at::Tensor plain_bias = bias.defined() ? pass.cast(bias) : bias;
    return tensor::apply(std::make_shared<LoraProduct>(pass.cast(weight), plain_bias, part_->scale),
                         inputs)
        .front();
  }
  const at::Tensor low = at::linear(x, part_->a.to(compute));                      // [T, r]
  const at::Tensor change = at::linear(low, part_->b.to(compute)) * part_->scale;  // [T, O]
  const at::Tensor g = (part_->magnitude / row_norms(*part_)).to(compute);         // [O]
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
