#include "train/optimiser/optimiser.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "tensor/autograd.h"
#include "train/optimiser/stochastic_rounding.h"

namespace cupel::train {

namespace optimiser {
#define CUPEL_OPTIMISER(id) OptimiserInfo id();
#include "train/optimiser/registry.def"
#undef CUPEL_OPTIMISER
}  // namespace optimiser

namespace {

Result<Ok> check_range(double value, double low, double high, bool low_is_in, const char* name) {
  const bool in = (low_is_in ? value >= low : value > low) && value < high;
  return in ? Result<Ok>(Ok{})
            : Result<Ok>(invalid_argument("{} is {:g}; expected {} {:g} and below {:g}", name,
                                          value, low_is_in ? "at least" : "above", low, high));
}

Result<Ok> check(const OptimiserOptions& options) {
  constexpr double kMost = 1e9;
  CUPEL_TRY_VOID(check_range(options.weight_decay, 0, kMost, true, "weight_decay"));
  CUPEL_TRY_VOID(check_range(options.beta1.value_or(0), 0, 1, true, "beta1"));
  CUPEL_TRY_VOID(check_range(options.beta2, 0, 1, true, "beta2"));
  CUPEL_TRY_VOID(check_range(options.epsilon, 0, 1, false, "epsilon"));
  return check_range(options.momentum, 0, 1, true, "momentum");
}

}  // namespace

void Optimiser::step(std::span<const at::Tensor> gradients, double lr) {
  CUPEL_CHECK(gradients.size() == parameters_.size(), "a gradient for each parameter");
  const tensor::RecordingGuard off(false);
  ++steps_;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!gradients[i].defined()) {
      continue;
    }
    at::Tensor tensor = parameters_[i].tensor.detach();
    const double own_lr = lr * parameters_[i].lr_scale;
    if (tensor.scalar_type() != at::kBFloat16) {
      update(i, tensor, gradients[i].to(tensor.scalar_type()), own_lr);
      tensor::count_write(tensor);  // libtorch's fused kernels do not
      continue;
    }
    const at::Tensor values = tensor.to(at::kFloat);
    update(i, values, gradients[i].to(at::kFloat), own_lr);
    round_stochastically(values, tensor,
                         mix64(options_.seed ^ mix64(i)) ^ mix64(static_cast<uint64_t>(steps_)));
  }
}

at::Tensor Optimiser::zeros_for(const TrainedParameter& parameter, at::IntArrayRef shape) {
  const bool f64 = parameter.tensor.scalar_type() == at::kDouble;
  return at::zeros(
      shape, parameter.tensor.options().requires_grad(false).dtype(f64 ? at::kDouble : at::kFloat));
}

Result<Ok> Optimiser::restore(int64_t steps, std::span<const NamedTensor> state) {
  std::unordered_map<std::string_view, const at::Tensor*> given;
  for (const NamedTensor& entry : state) {
    given.emplace(entry.name, &entry.tensor);
  }
  const std::vector<NamedTensor> own = this->state();
  for (const NamedTensor& entry : own) {
    const auto found = given.find(entry.name);
    if (found == given.end()) {
      return corrupt_data("the optimiser's state has no tensor {}", entry.name);
    }
    if (found->second->sizes() != entry.tensor.sizes() ||
        found->second->scalar_type() != entry.tensor.scalar_type()) {
      return corrupt_data(
          "the optimiser's state {} has another shape or type than the model asks "
          "for",
          entry.name);
    }
  }
  for (const NamedTensor& entry : own) {
    at::Tensor tensor = entry.tensor;
    tensor.copy_(*given.at(entry.name));
  }
  steps_ = steps;
  return Ok{};
}

int64_t Optimiser::state_bytes() const {
  int64_t bytes = 0;
  for (const NamedTensor& entry : state()) {
    bytes += static_cast<int64_t>(entry.tensor.nbytes());
  }
  return bytes;
}

std::span<const OptimiserInfo> optimisers() {
  static const std::array kAll = {
#define CUPEL_OPTIMISER(id) optimiser::id(),
#include "train/optimiser/registry.def"
#undef CUPEL_OPTIMISER
  };
  return kAll;
}

Result<const OptimiserInfo*> find_optimiser(std::string_view name) {
  std::string wanted(name);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  std::vector<std::string> names;
  for (const OptimiserInfo& info : optimisers()) {
    if (info.name == wanted) {
      return &info;
    }
    names.emplace_back(info.name);
  }
  return invalid_argument("unknown optimiser \"{}\"{}; there are: {}", printable(name),
                          did_you_mean(wanted, names), join(names, ", "));
}

Result<std::unique_ptr<Optimiser>> make_optimiser(std::string_view name,
                                                  std::vector<TrainedParameter> parameters,
                                                  const OptimiserOptions& options) {
  CUPEL_TRY(const OptimiserInfo* info, find_optimiser(name));
  CUPEL_TRY_VOID(check(options));
  return info->make(std::move(parameters), options);
}

}  // namespace cupel::train
