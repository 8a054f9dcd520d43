#pragma once

#include "tensor/parallel.h"
#include "tensor/tensor.h"
#include "train/kernels/kernels.h"

namespace cupel::train {

/// Whether train/kernels computes on a tensor: f32 or bf16 on the CPU. Others take libtorch's own
/// operations.
inline bool has_kernels(const at::Tensor& tensor) {
  const at::ScalarType type = tensor.scalar_type();
  return tensor.device().is_cpu() && (type == at::kFloat || type == at::kBFloat16);
}

inline kernels::Number number_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? kernels::Number::kFloat32
                                            : kernels::Number::kBfloat16;
}

/// None of an undefined tensor.
inline kernels::Values values_of(const at::Tensor& tensor) {
  return tensor.defined() ? kernels::Values{tensor.const_data_ptr(), number_of(tensor)}
                          : kernels::Values{};
}
inline kernels::Results results_of(const at::Tensor& tensor) {
  return tensor.defined() ? kernels::Results{tensor.mutable_data_ptr(), number_of(tensor)}
                          : kernels::Results{};
}
inline const float* floats_of(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

/// Calls a kernel on ranges of rows of `width` numbers.
template <typename Task>
void run_rows(void (*kernel)(const Task&), const Task& task, int64_t rows, int64_t width) {
  constexpr int64_t kGrain = 1 << 14;  // numbers that are worth a thread
  tensor::for_each_part(rows, tensor::parts_of(rows * width, kGrain),
                        [&](int64_t /*part*/, int64_t begin, int64_t end) {
                          Task part = task;
                          part.begin = begin;
                          part.end = end;
                          kernel(part);
                        });
}

/// xᵀ of a matrix [n, m]: of bf16 on the CPU a copy, since what oneDNN does instead takes longer;
/// else the view.
at::Tensor turned(const at::Tensor& x);

}  // namespace cupel::train
