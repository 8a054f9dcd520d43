// Adafactor: Shazeer & Stern 2018, algorithms 4 and 5.
#include <algorithm>
#include <cmath>
#include <utility>

#include "train/optimiser/optimiser.h"

namespace cupel::train::optimiser {
namespace {

constexpr double kSquareFloor = 1e-30;  // ε1 of the paper
constexpr double kScaleFloor = 1e-3;    // ε2
constexpr double kClip = 1;             // d
constexpr double kDecayExponent = 0.8;  // β2 of step t is 1 − t^−0.8
constexpr double kRelativeStep = 1e-2;

double rms(const at::Tensor& values) {
  return std::sqrt(values.square().mean().item<double>());
}

class Adafactor final : public Optimiser {
 public:
  Adafactor(std::vector<TrainedParameter> trained, const OptimiserOptions& options)
      : Optimiser(std::move(trained), options), beta1_(options.beta1.value_or(0)) {
    for (const TrainedParameter& parameter : parameters()) {
      const at::Tensor& tensor = parameter.tensor;
      Moments moments;
      if (tensor.dim() == 2) {
        moments.rows = zeros_for(parameter, {tensor.size(0)});
        moments.columns = zeros_for(parameter, {tensor.size(1)});
      } else {
        moments.full = zeros_for(parameter, tensor.sizes());
      }
      if (beta1_ > 0) {
        moments.mean = zeros_for(parameter, tensor.sizes());
      }
      moments_.push_back(std::move(moments));
    }
  }

  [[nodiscard]] std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> all;
    for (size_t i = 0; i < parameters().size(); ++i) {
      const Moments& m = moments_[i];
      for (const auto& [part, tensor] :
           {std::pair{".rows", m.rows}, std::pair{".columns", m.columns},
            std::pair{".full", m.full}, std::pair{".mean", m.mean}}) {
        if (tensor.defined()) {
          all.push_back({parameters()[i].name + part, tensor});
        }
      }
    }
    return all;
  }

 private:
  struct Moments {
    at::Tensor rows;     // [R] running mean over columns of g² (matrices)
    at::Tensor columns;  // [C] running mean over rows
    at::Tensor full;     // as the parameter (what is no matrix)
    at::Tensor mean;     // first moment of the update, with beta1 > 0
  };

  void update(size_t index, at::Tensor values, const at::Tensor& gradient, double lr) override {
    Moments& moments = moments_[index];
    const auto t = static_cast<double>(steps());
    at::Tensor change = scaled_gradient(gradient, moments, 1 - std::pow(t, -kDecayExponent));
    change.div_(std::max(1.0, rms(change) / kClip));
    if (options().relative_lr) {
      lr *= std::min(kRelativeStep, 1 / std::sqrt(t)) * std::max(kScaleFloor, rms(values));
    }
    change.mul_(lr);
    if (moments.mean.defined()) {
      change = moments.mean.mul_(beta1_).add_(change, 1 - beta1_);
    }
    if (decay(index) > 0) {
      values.mul_(1 - lr * decay(index));
    }
    values.sub_(change);
  }

  /// g / √v̂ after the moments took g² in; `kept` is β2 of this step, 0 in the first one.
  static at::Tensor scaled_gradient(const at::Tensor& gradient, Moments& moments, double kept) {
    const at::Tensor square = gradient.square().add_(kSquareFloor);
    if (!moments.rows.defined()) {
      moments.full.mul_(kept).add_(square, 1 - kept);
      return gradient * moments.full.rsqrt();
    }
    moments.rows.mul_(kept).add_(square.mean(1), 1 - kept);
    moments.columns.mul_(kept).add_(square.mean(0), 1 - kept);
    const at::Tensor row_factor = (moments.rows / moments.rows.mean()).rsqrt_();  // [R]
    const at::Tensor column_factor = moments.columns.rsqrt();                     // [C]
    return gradient * row_factor.unsqueeze(1) * column_factor.unsqueeze(0);
  }

  double beta1_;
  std::vector<Moments> moments_;
};

Result<std::unique_ptr<Optimiser>> make(std::vector<TrainedParameter> parameters,
                                        const OptimiserOptions& options) {
  return std::unique_ptr<Optimiser>(std::make_unique<Adafactor>(std::move(parameters), options));
}

}  // namespace

OptimiserInfo adafactor() {
  return {.name = "adafactor",
          .summary = "Adam whose second moments are a row and a column for each matrix",
          .source = "Shazeer & Stern 2018 (arXiv 1804.04235), algorithms 4 and 5",
          .bytes_per_element = 0.01,
          .bytes_of_mean = 4,
          .make = &make};
}

}  // namespace cupel::train::optimiser
