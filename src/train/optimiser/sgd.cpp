// Stochastic gradient descent with momentum, as libtorch has it: b = momentum · b + g, p −= lr · b.
#include <utility>

#include "train/optimiser/optimiser.h"

namespace cupel::train::optimiser {
namespace {

class Sgd final : public Optimiser {
 public:
  Sgd(std::vector<TrainedParameter> trained, const OptimiserOptions& options)
      : Optimiser(std::move(trained), options) {
    if (options.momentum > 0) {
      for (const TrainedParameter& parameter : parameters()) {
        velocities_.push_back(zeros_for(parameter, parameter.tensor.sizes()));
      }
    }
  }

  [[nodiscard]] std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> all;
    for (size_t i = 0; i < velocities_.size(); ++i) {
      all.push_back({parameters()[i].name + ".velocity", velocities_[i]});
    }
    return all;
  }

 private:
  void update(size_t index, at::Tensor values, const at::Tensor& gradient, double lr) override {
    if (decay(index) > 0) {
      values.mul_(1 - lr * decay(index));
    }
    if (velocities_.empty()) {
      values.add_(gradient, -lr);
    } else {
      values.add_(velocities_[index].mul_(options().momentum).add_(gradient), -lr);
    }
  }

  std::vector<at::Tensor> velocities_;
};

Result<std::unique_ptr<Optimiser>> make(std::vector<TrainedParameter> parameters,
                                        const OptimiserOptions& options) {
  return std::unique_ptr<Optimiser>(std::make_unique<Sgd>(std::move(parameters), options));
}

}  // namespace

OptimiserInfo sgd() {
  return {.name = "sgd",
          .summary = "stochastic gradient descent, with momentum if asked for",
          .source = "Sutskever et al. 2013, §2, in the form of libtorch",
          .bytes_per_element = 4,
          .make = &make};
}

}  // namespace cupel::train::optimiser
