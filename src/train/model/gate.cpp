#include "train/model/gate.h"

#include <memory>
#include <vector>

#include "tensor/autograd.h"
#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

using engine::GateKind;

kernels::Activation activation_of(GateKind kind) {
  switch (kind) {
    case GateKind::kSilu:
      return kernels::Activation::kSilu;
    case GateKind::kGeluTanh:
      return kernels::Activation::kGeluTanh;
    case GateKind::kGeluErf:
      break;
  }
  return kernels::Activation::kGeluErf;
}

at::Tensor activate(const at::Tensor& x, GateKind kind) {
  switch (kind) {
    case GateKind::kSilu:
      return at::silu(x);
    case GateKind::kGeluTanh:
      return at::gelu(x, "tanh");
    case GateKind::kGeluErf:
      break;
  }
  return at::gelu(x);
}

kernels::Values second_half(const at::Tensor& both) {
  const auto* const bytes = static_cast<const char*>(both.const_data_ptr());
  return {bytes + both.size(1) / 2 * both.element_size(), number_of(both)};
}
kernels::Results results_of_second_half(const at::Tensor& both) {
  auto* const bytes = static_cast<char*>(both.mutable_data_ptr());
  return {bytes + both.size(1) / 2 * both.element_size(), number_of(both)};
}

/// Inputs: gate and up, gate alone, or one tensor with both halves.
class GateOperation final : public tensor::Operation {
 public:
  GateOperation(GateKind kind, bool halves) : activation_(activation_of(kind)), halves_(halves) {}

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    for (const at::Tensor& input : inputs) {
      saved.push_back(input.contiguous());
    }
    const at::Tensor& first = saved.front();
    const int64_t stride = first.size(1);
    const int64_t width = halves_ ? stride / 2 : stride;
    const at::Tensor output = at::empty({first.size(0), width}, first.options());
    run_rows(kernels::kernels().gate,
             {.width = width,
              .stride = stride,
              .activation = activation_,
              .gate = values_of(first),
              .up = up_of(saved),
              .output = results_of(output)},
             first.size(0), width);
    return {output};
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& /*needed*/) override {
    std::vector<at::Tensor> result(saved.size());
    if (!gradients.front().defined()) {
      return result;
    }
    const at::Tensor of_output = gradients.front().contiguous();
    for (size_t i = 0; i < saved.size(); ++i) {
      result[i] = at::empty(saved[i].sizes(), saved[i].options());
    }
    const int64_t stride = saved.front().size(1);
    run_rows(kernels::kernels().gate_gradient,
             {.width = of_output.size(1),
              .stride = stride,
              .activation = activation_,
              .gate = values_of(saved.front()),
              .up = up_of(saved),
              .of_output = values_of(of_output),
              .of_gate = results_of(result.front()),
              .of_up = halves_              ? results_of_second_half(result.front())
                       : result.size() == 2 ? results_of(result[1])
                                            : kernels::Results{}},
             of_output.size(0), of_output.size(1));
    return result;
  }

 private:
  [[nodiscard]] kernels::Values up_of(const std::vector<at::Tensor>& inputs) const {
    return halves_              ? second_half(inputs.front())
           : inputs.size() == 2 ? values_of(inputs[1])
                                : kernels::Values{};
  }

  kernels::Activation activation_;
  bool halves_;
};

}  // namespace

at::Tensor plain_gated(const at::Tensor& gate, const at::Tensor& up, GateKind kind) {
  const at::Tensor activated = activate(gate, kind);
  return up.defined() ? activated * up : activated;
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, GateKind kind) {
  if (!has_kernels(gate)) {
    return plain_gated(gate, up, kind);
  }
  std::vector<at::Tensor> inputs{gate};
  if (up.defined()) {
    inputs.push_back(up);
  }
  return tensor::apply(std::make_shared<GateOperation>(kind, false), inputs).front();
}

at::Tensor gated_halves(const at::Tensor& both, GateKind kind) {
  if (!has_kernels(both)) {
    const std::vector<at::Tensor> halves = both.chunk(2, -1);
    return plain_gated(halves[0], halves[1], kind);
  }
  return tensor::apply(std::make_shared<GateOperation>(kind, true), {both}).front();
}

}  // namespace cupel::train
