#pragma once

#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace cupel::tensor {

/// A step of a computation with a backward pass of its own. One object belongs to one application
/// (`apply`) and may keep numbers in its fields; tensors that backward needs go through `saved`, so
/// that they are freed as soon as backward has used them. A field that is an output itself would
/// never be freed, nor would anything before it: the graph owns the operation, and an output the
/// graph. `output.detach()` is fine.
class Operation {
 public:
  virtual ~Operation() = default;

  /// Computes the outputs without recording. Tensors appended to `saved` (inputs and outputs among
  /// them) come back in `backward`; where no input needs a gradient they are dropped at once.
  virtual std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                          std::vector<at::Tensor>& saved) = 0;

  /// The gradient of each input, undefined where `needed` says that nobody asks for it or where it
  /// is zero. `gradients`: of each output, undefined where it is zero.
  virtual std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                           const std::vector<at::Tensor>& saved,
                                           const std::vector<bool>& needed) = 0;
};

/// Runs an operation so that libtorch's backward pass finds it. Where no input needs a gradient
/// nothing is kept. Inputs are defined tensors. Backward once: the second time saved tensors are
/// gone, which libtorch says.
std::vector<at::Tensor> apply(std::shared_ptr<Operation> operation,
                              const std::vector<at::Tensor>& inputs);

/// Gradients of Σ ⟨output, gradient⟩ with respect to the inputs, which are not accumulated
/// anywhere; undefined for an input that the outputs do not depend on.
std::vector<at::Tensor> gradients(const std::vector<at::Tensor>& outputs,
                                  const std::vector<at::Tensor>& inputs,
                                  const std::vector<at::Tensor>& output_gradients);

/// Counts a write to a tensor that libtorch has not counted itself: its fused optimiser kernels do
/// not, nor do collectives and raw pointers. Who keeps what was computed of a tensor (backward
/// passes, train/model/cast_weights.h) learns of changes by that count alone.
void count_write(const at::Tensor& tensor);

/// Whether operations are recorded, in this thread, as long as the object lives.
class RecordingGuard {
 public:
  explicit RecordingGuard(bool enabled);
  ~RecordingGuard();
  RecordingGuard(const RecordingGuard&) = delete;
  RecordingGuard& operator=(const RecordingGuard&) = delete;

 private:
  bool before_;
};

/// Whether operations are recorded in this thread.
bool recording();

}  // namespace cupel::tensor
