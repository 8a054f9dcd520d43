#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace cupel::train {

/// A tensor that is trained, and by which rules.
struct TrainedParameter {
  std::string name;
  at::Tensor tensor;       ///< written by `Optimiser::step`; f32, bf16 or f64 on any device
  double lr_scale = 1;     ///< times the schedule's learning rate
  bool decays = false;     ///< weight decay pulls it to 0
  bool full_state = true;  ///< its moments are never compressed: embeddings, heads, norms, biases
};

/// What all optimisers are set by; each reads what its OptimiserInfo names.
struct OptimiserOptions {
  double weight_decay = 0;      ///< ≥ 0, decoupled: p −= lr · weight_decay · p
  std::optional<double> beta1;  ///< [0, 1); unset: 0.9, or 0 of adafactor, which then has no first
                                ///< moment
  double beta2 = 0.999;         ///< [0, 1)
  double epsilon = 1e-8;        ///< > 0
  double momentum = 0;          ///< [0, 1): sgd
  bool relative_lr = false;  ///< adafactor: lr · min(1e-2, 1/√t) · max(1e-3, RMS(p)), lr = 1 as in
                             ///< the paper
  uint64_t seed = 0;  ///< of the rounding of bf16 parameters
};

/// A tensor of an optimiser's state under the name that a checkpoint has for it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// Changes parameters by their gradients. Holds moments for the parameters that it was made for;
/// what it holds is in `state` by name, so that a run that was interrupted goes on exactly.
///
/// Parameters in bf16 are changed in f32, tensor by tensor, and rounded stochastically: up with the
/// probability of the part that is cut off, so that steps far below their spacing still add up.
class Optimiser {
 public:
  virtual ~Optimiser() = default;
  Optimiser(const Optimiser&) = delete;
  Optimiser& operator=(const Optimiser&) = delete;

  /// One step, the first being number 1. `gradients`: of each parameter, of its shape; they may be
  /// overwritten. Undefined: the parameter had no part in the loss and stays as it is. Nothing is
  /// recorded. What libtorch throws passes through.
  void step(std::span<const at::Tensor> gradients, double lr);

  /// "<parameter>.<part>"; the tensors themselves, not copies.
  [[nodiscard]] virtual std::vector<NamedTensor> state() const = 0;
  [[nodiscard]] int64_t steps() const { return steps_; }
  [[nodiscard]] std::span<const TrainedParameter> parameters() const { return parameters_; }
  /// Takes over the state of another one over the same parameters.
  /// Errors: kCorruptData - a tensor is missing or of another shape or type; then nothing changes.
  Result<Ok> restore(int64_t steps, std::span<const NamedTensor> state);
  /// Bytes of all state.
  [[nodiscard]] int64_t state_bytes() const;

 protected:
  Optimiser(std::vector<TrainedParameter> parameters, const OptimiserOptions& options)
      : parameters_(std::move(parameters)), options_(options) {}

  /// Changes the numbers of parameter `index`, f32 or f64, by a gradient of that type; `lr` is the
  /// parameter's own.
  virtual void update(size_t index, at::Tensor values, const at::Tensor& gradient, double lr) = 0;
  /// The weight decay of a parameter.
  [[nodiscard]] double decay(size_t index) const {
    return parameters_[index].decays ? options_.weight_decay : 0;
  }
  [[nodiscard]] const OptimiserOptions& options() const { return options_; }
  /// Zeros of that shape for the state of a parameter: f64 of f64, else f32.
  static at::Tensor zeros_for(const TrainedParameter& parameter, at::IntArrayRef shape);

 private:
  std::vector<TrainedParameter> parameters_;
  OptimiserOptions options_;
  int64_t steps_ = 0;
};

/// One optimiser. Adding one: a file here, a line in registry.def, a test of its own numbers.
struct OptimiserInfo {
  std::string_view name;     ///< as in registry.def
  std::string_view summary;  ///< one line for help and docs
  std::string_view source;   ///< paper and place
  double bytes_per_element;  ///< of state, of a large matrix: for `cupel tune plan`
  double bytes_of_mean = 0;  ///< besides, where beta1 > 0 is asked for and is not the default
  Result<std::unique_ptr<Optimiser>> (*make)(std::vector<TrainedParameter> parameters,
                                             const OptimiserOptions& options) = nullptr;
};

/// All of registry.def, sorted by name.
std::span<const OptimiserInfo> optimisers();
/// The one of that name; `-` and `_` are the same. Errors: kInvalidArgument with the nearest and
/// the list.
Result<const OptimiserInfo*> find_optimiser(std::string_view name);
/// Makes it. Errors: kInvalidArgument - unknown name, or an option outside its range.
Result<std::unique_ptr<Optimiser>> make_optimiser(std::string_view name,
                                                  std::vector<TrainedParameter> parameters,
                                                  const OptimiserOptions& options = {});

}  // namespace cupel::train
