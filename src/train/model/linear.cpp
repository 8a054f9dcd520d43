#include "train/model/linear.h"

#include <memory>

#include "tensor/autograd.h"
#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

/// x Wᵀ + b in bf16, or in another type than that of the parameters. Inputs: x, the weight, the
/// bias where there is one; the products read `weight` and `bias`, which are their copies in that
/// type.
class MixedLinear final : public tensor::Operation {
 public:
  MixedLinear(at::Tensor weight, at::Tensor bias)
      : weight_(std::move(weight)), bias_(std::move(bias)) {}

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    saved = {inputs[0], weight_};
    type_ = inputs[1].scalar_type();
    at::Tensor output = at::linear(inputs[0], weight_, bias_);
    weight_.reset();  // what is saved is watched for changes
    return {output};
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& needed) override {
    std::vector<at::Tensor> result(needed.size());
    const at::Tensor& of_output = gradients.front();
    if (!of_output.defined()) {
      return result;
    }
    if (needed[0]) {
      result[0] = at::mm(of_output, saved[1]);
    }
    if (needed[1]) {
      result[1] = at::mm(turned(of_output), saved[0]).to(type_);
    }
    if (needed.size() > 2 && needed[2]) {
      result[2] = at::sum(of_output, {0}, false, type_);
    }
    return result;
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  at::ScalarType type_ = at::kFloat;
};

}  // namespace

at::Tensor Embedding::operator()(const at::Tensor& ids, const Pass& pass) const {
  return adapter != nullptr ? adapter->apply(ids, weight, pass) : at::embedding(weight, ids);
}

at::Tensor linear_product(const at::Tensor& x,
                          const at::Tensor& weight,
                          const at::Tensor& bias,
                          const Pass& pass) {
  if (weight.scalar_type() == pass.compute && pass.compute != at::kBFloat16) {
    return at::linear(x, weight, bias.defined() ? bias.to(pass.compute) : bias);
  }
  const at::Tensor plain_bias = bias.defined() ? pass.cast(bias) : bias;
  const bool trains = weight.requires_grad() || (bias.defined() && bias.requires_grad());
  if (!trains || !tensor::recording()) {
    return at::linear(x, pass.cast(weight), plain_bias);
  }
  std::vector<at::Tensor> inputs{x, weight};
  if (bias.defined()) {
    inputs.push_back(bias);
  }
  return tensor::apply(std::make_shared<MixedLinear>(pass.cast(weight), plain_bias), inputs)
      .front();
}

at::Tensor Linear::operator()(const at::Tensor& x, const Pass& pass) const {
  const at::Tensor input = x.to(pass.compute);
  return adapter != nullptr ? adapter->apply(input, weight, bias, pass)
                            : linear_product(input, weight, bias, pass);
}

void Linear::add_tensors(std::vector<at::Tensor>& out) const {
  for (const at::Tensor& tensor : {weight, bias}) {
    if (tensor.defined()) {
      out.push_back(tensor);
    }
  }
  if (adapter != nullptr) {
    for (const at::Tensor& tensor : adapter->tensors()) {
      out.push_back(tensor);
    }
  }
}

}  // namespace cupel::train
