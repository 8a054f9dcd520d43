#include "train/model/norm.h"

#include <memory>
#include <utility>
#include <vector>

#include "tensor/autograd.h"
#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

using engine::NormKind;

/// Inputs: x, the addend where there is one, weight, bias where there is one. Outputs: the sum
/// where there is an addend, and the norm.
class NormOperation final : public tensor::Operation {
 public:
  NormOperation(const NormSettings& settings, at::ScalarType type, bool has_addend)
      : settings_(settings), type_(type), has_addend_(has_addend) {}

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    const at::Tensor x = inputs[0].contiguous();
    const at::Tensor addend = has_addend_ ? inputs[1].contiguous() : at::Tensor();
    const at::Tensor bias = has_bias(inputs) ? inputs.back().to(at::kFloat) : at::Tensor();
    const at::Tensor weight = factors(inputs[weight_place()]);
    const int64_t width = x.size(-1);
    const int64_t rows = x.numel() / width;
    const at::Tensor sum = has_addend_ ? at::empty(x.sizes(), x.options()) : at::Tensor();
    const at::Tensor y = at::empty(x.sizes(), x.options().dtype(type_));
    const at::Tensor scales = at::empty({rows}, at::kFloat);
    const at::Tensor means = is_centred() ? at::empty({rows}, at::kFloat) : at::Tensor();
    run_rows(kernels::kernels().norm,
             {.width = width,
              .epsilon = static_cast<float>(settings_.epsilon),
              .center = is_centred(),
              .x = values_of(x),
              .addend = values_of(addend),
              .weight = floats_of(weight),
              .bias = floats_of(bias),
              .sum = results_of(sum),
              .y = results_of(y),
              .scales = scales.mutable_data_ptr<float>(),
              .means = is_centred() ? means.mutable_data_ptr<float>() : nullptr},
             rows, width);
    bias_type_ = has_bias(inputs) ? inputs.back().scalar_type() : at::kFloat;
    inputs_ = inputs.size();
    if (has_addend_) {
      addend_type_ = addend.scalar_type();
    }
    saved = {has_addend_ ? sum : x, inputs[weight_place()], scales};
    if (is_centred()) {
      saved.push_back(means);
    }
    return has_addend_ ? std::vector<at::Tensor>{sum, y} : std::vector<at::Tensor>{y};
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& needed) override {
    std::vector<at::Tensor> result(inputs_);
    const at::Tensor& x = saved[0];
    const at::Tensor of_sum = has_addend_ ? gradients[0] : at::Tensor();
    if (!gradients.back().defined()) {
      if (of_sum.defined()) {
        result[0] = of_sum;
        result[1] = of_sum.to(addend_type_);
      }
      return result;
    }
    const at::Tensor of_x = at::empty(x.sizes(), x.options());
    const bool other_type = has_addend_ && addend_type_ != x.scalar_type();
    const at::Tensor of_addend =
        other_type ? at::empty(x.sizes(), x.options().dtype(addend_type_)) : at::Tensor();
    const auto sums = run_gradient(gradients.back().contiguous(), of_sum, saved, of_x, of_addend);
    result[0] = of_x;
    if (has_addend_) {
      result[1] = other_type ? of_addend : of_x;
    }
    const size_t weight = weight_place();
    if (needed[weight]) {
      result[weight] = sums.first.to(saved[1].scalar_type());
    }
    if (inputs_ > weight + 1 && needed[weight + 1]) {
      result[weight + 1] = sums.second.to(bias_type_);
    }
    return result;
  }

 private:
  [[nodiscard]] bool is_centred() const { return settings_.kind == NormKind::kLayer; }
  [[nodiscard]] size_t weight_place() const { return has_addend_ ? 2 : 1; }
  [[nodiscard]] bool has_bias(const std::vector<at::Tensor>& inputs) const {
    return inputs.size() > weight_place() + 1;
  }
  /// What rows are multiplied with, [W] in f32.
  [[nodiscard]] at::Tensor factors(const at::Tensor& weight) const {
    const at::Tensor wide = weight.to(at::kFloat).contiguous();
    return settings_.plus_one ? wide + 1 : wide;
  }

  /// Fills of_x and of_addend; returns the gradients of weight and bias. Each part sums its own
  /// rows, and the parts are added in their order.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> run_gradient(const at::Tensor& of_y,
                                                               const at::Tensor& of_sum,
                                                               const std::vector<at::Tensor>& saved,
                                                               const at::Tensor& of_x,
                                                               const at::Tensor& of_addend) const {
    const at::Tensor& x = saved[0];
    const at::Tensor residual = of_sum.defined() ? of_sum.contiguous() : of_sum;
    const at::Tensor weight = factors(saved[1]);
    const int64_t width = x.size(-1);
    const int64_t rows = x.numel() / width;
    const int64_t parts = tensor::parts_of(rows, 64);
    const at::Tensor weights = at::zeros({parts, width}, at::kFloat);
    const bool biased = inputs_ > weight_place() + 1;
    const at::Tensor biases = biased ? at::zeros({parts, width}, at::kFloat) : at::Tensor();
    tensor::for_each_part(rows, parts, [&](int64_t part, int64_t begin, int64_t end) {
      kernels::kernels().norm_gradient(
          {.begin = begin,
           .end = end,
           .width = width,
           .center = is_centred(),
           .x = values_of(x),
           .of_y = values_of(of_y),
           .of_sum = values_of(residual),
           .weight = floats_of(weight),
           .scales = floats_of(saved[2]),
           .means = is_centred() ? floats_of(saved[3]) : nullptr,
           .of_x = results_of(of_x),
           .of_addend = results_of(of_addend),
           .of_weight = weights.mutable_data_ptr<float>() + part * width,
           .of_bias = biased ? biases.mutable_data_ptr<float>() + part * width : nullptr});
    });
    return {weights.sum(0), biased ? biases.sum(0) : biases};
  }

  NormSettings settings_;
  at::ScalarType type_;
  bool has_addend_;
  at::ScalarType addend_type_ = at::kFloat;
  at::ScalarType bias_type_ = at::kFloat;
  size_t inputs_ = 0;
};

std::vector<at::Tensor> run_norm(const at::Tensor& x,
                                 const at::Tensor& addend,
                                 const NormParameters& parameters,
                                 const NormSettings& settings,
                                 at::ScalarType type) {
  std::vector<at::Tensor> inputs{x};
  if (addend.defined()) {
    inputs.push_back(addend);
  }
  inputs.push_back(parameters.weight);
  if (parameters.bias.defined()) {
    inputs.push_back(parameters.bias);
  }
  return tensor::apply(std::make_shared<NormOperation>(settings, type, addend.defined()), inputs);
}

bool has_norm_kernel(const at::Tensor& x, const NormParameters& parameters, at::ScalarType type) {
  return has_kernels(x) && type != at::kDouble && parameters.weight.dim() == 1;
}

}  // namespace

at::Tensor plain_norm(const at::Tensor& x,
                      const NormParameters& parameters,
                      const NormSettings& settings,
                      at::ScalarType type) {
  const auto exact = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor values = x.to(exact);
  if (settings.kind == NormKind::kLayer) {
    values = values - values.mean(-1, /*keepdim=*/true);
  }
  const at::Tensor scale = at::rsqrt(values.square().mean(-1, true) + settings.epsilon);
  const at::Tensor weight = parameters.weight.to(exact);
  at::Tensor result = values * scale * (settings.plus_one ? weight + 1 : weight);
  if (parameters.bias.defined()) {
    result = result + parameters.bias.to(exact);
  }
  return result.to(type);
}

at::Tensor norm(const at::Tensor& x,
                const NormParameters& parameters,
                const NormSettings& settings,
                at::ScalarType type) {
  return has_norm_kernel(x, parameters, type) ? run_norm(x, {}, parameters, settings, type).front()
                                              : plain_norm(x, parameters, settings, type);
}

AddedNorm added_norm(const at::Tensor& x,
                     const at::Tensor& addend,
                     const NormParameters& parameters,
                     const NormSettings& settings,
                     at::ScalarType type) {
  if (!addend.defined()) {
    return {.sum = x, .normed = norm(x, parameters, settings, type)};
  }
  if (!has_norm_kernel(x, parameters, type) || !has_kernels(addend)) {
    const at::Tensor sum = x + addend;
    return {.sum = sum, .normed = plain_norm(sum, parameters, settings, type)};
  }
  const std::vector<at::Tensor> found = run_norm(x, addend, parameters, settings, type);
  return {.sum = found[0], .normed = found[1]};
}

}  // namespace cupel::train
