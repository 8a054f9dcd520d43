#include "train/model/recompute.h"

#include <memory>
#include <utility>

#include "tensor/autograd.h"

namespace cupel::train {
namespace {

class Recompute final : public tensor::Operation {
 public:
  explicit Recompute(Step step) : step_(std::move(step)) {}

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    saved = inputs;  // parameters too: libtorch then notices a change before the backward pass
    return {step_(inputs.front())};
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& needed) override {
    const tensor::RecordingGuard on(true);
    std::vector<at::Tensor> wanted;
    std::vector<at::Tensor> result(saved.size());
    if (!gradients.front().defined()) {
      return result;
    }
    const at::Tensor input = saved.front().detach().set_requires_grad(needed.front());
    for (size_t i = 0; i < saved.size(); ++i) {
      if (needed[i]) {
        wanted.push_back(i == 0 ? input : saved[i]);
      }
    }
    const std::vector<at::Tensor> found =
        tensor::gradients({step_(input)}, wanted, {gradients.front()});
    size_t next = 0;
    for (size_t i = 0; i < saved.size(); ++i) {
      if (needed[i]) {
        result[i] = found[next++];
      }
    }
    return result;
  }

 private:
  Step step_;
};

}  // namespace

at::Tensor recomputed(Step step, const at::Tensor& input, const std::vector<at::Tensor>& tensors) {
  if (!tensor::recording()) {
    return step(input);
  }
  std::vector<at::Tensor> inputs{input};
  inputs.insert(inputs.end(), tensors.begin(), tensors.end());
  return tensor::apply(std::make_shared<Recompute>(std::move(step)), inputs).front();
}

}  // namespace cupel::train
