#include "tensor/autograd.h"

#include <utility>

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace cupel::tensor {
namespace {

using torch::autograd::AutogradContext;

/// What libtorch's context holds of us.
struct Holder final : torch::CustomClassHolder {
  explicit Holder(std::shared_ptr<Operation> held) : operation(std::move(held)) {}
  std::shared_ptr<Operation> operation;
};

struct Bridge : torch::autograd::Function<Bridge> {
  static torch::autograd::variable_list forward(AutogradContext* context,
                                                const std::shared_ptr<Operation>& operation,
                                                at::TensorList inputs) {
    std::vector<at::Tensor> saved;
    std::vector<at::Tensor> outputs = operation->forward(inputs.vec(), saved);
    context->set_materialize_grads(false);
    context->save_for_backward(std::move(saved));
    context->saved_data["operation"] =
        at::IValue::make_capsule(c10::make_intrusive<Holder>(operation));
    context->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
    return outputs;
  }

  static torch::autograd::variable_list backward(AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto holder = context->saved_data["operation"].toCapsule();
    const auto count = static_cast<size_t>(context->saved_data["inputs"].toInt());
    std::vector<bool> needed(count);
    for (size_t i = 0; i < count; ++i) {
      needed[i] = context->needs_input_grad(i);
    }
    torch::autograd::variable_list result =
        static_cast<Holder*>(holder.get())
            ->operation->backward(gradients, context->get_saved_variables(), needed);
    result.insert(result.begin(), at::Tensor());  // of the operation, which is no tensor
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> apply(std::shared_ptr<Operation> operation,
                              const std::vector<at::Tensor>& inputs) {
  return Bridge::apply(std::move(operation), at::TensorList(inputs));
}

std::vector<at::Tensor> gradients(const std::vector<at::Tensor>& outputs,
                                  const std::vector<at::Tensor>& inputs,
                                  const std::vector<at::Tensor>& output_gradients) {
  return torch::autograd::grad(outputs, inputs, output_gradients, /*retain_graph=*/false,
                               /*create_graph=*/false, /*allow_unused=*/true);
}

void count_write(const at::Tensor& tensor) {
  tensor.unsafeGetTensorImpl()->bump_version();
}

RecordingGuard::RecordingGuard(bool enabled) : before_(at::GradMode::is_enabled()) {
  at::GradMode::set_enabled(enabled);
}
RecordingGuard::~RecordingGuard() {
  at::GradMode::set_enabled(before_);
}

bool recording() {
  return at::GradMode::is_enabled();
}

}  // namespace cupel::tensor
