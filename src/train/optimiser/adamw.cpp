// AdamW: Loshchilov & Hutter 2019, algorithm 2, with the learning rate in the decay as in libtorch.
#include <utility>

#include "train/optimiser/fused_adamw.h"
#include "train/optimiser/optimiser.h"

namespace cupel::train::optimiser {
namespace {

class AdamW final : public Optimiser {
 public:
  AdamW(std::vector<TrainedParameter> trained, const OptimiserOptions& options)
      : Optimiser(std::move(trained), options) {
    for (const TrainedParameter& parameter : parameters()) {
      means_.push_back(zeros_for(parameter, parameter.tensor.sizes()));
      squares_.push_back(zeros_for(parameter, parameter.tensor.sizes()));
    }
  }

  [[nodiscard]] std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> all;
    for (size_t i = 0; i < parameters().size(); ++i) {
      all.push_back({parameters()[i].name + ".exp_avg", means_[i]});
      all.push_back({parameters()[i].name + ".exp_avg_sq", squares_[i]});
    }
    return all;
  }

 private:
  void update(size_t index, at::Tensor values, const at::Tensor& gradient, double lr) override {
    fused_adamw(values, gradient, means_[index], squares_[index],
                {.step = steps(), .lr = lr, .decay = decay(index), .options = &options()});
  }

  std::vector<at::Tensor> means_;
  std::vector<at::Tensor> squares_;
};

Result<std::unique_ptr<Optimiser>> make(std::vector<TrainedParameter> parameters,
                                        const OptimiserOptions& options) {
  return std::unique_ptr<Optimiser>(std::make_unique<AdamW>(std::move(parameters), options));
}

}  // namespace

OptimiserInfo adamw() {
  return {.name = "adamw",
          .summary = "Adam with decoupled weight decay",
          .source = "Loshchilov & Hutter 2019 (arXiv 1711.05101), algorithm 2",
          .bytes_per_element = 8,
          .make = &make};
}

}  // namespace cupel::train::optimiser
