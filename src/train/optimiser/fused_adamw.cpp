#include "train/optimiser/fused_adamw.h"

namespace cupel::train {

void fused_adamw(const at::Tensor& values,
                 const at::Tensor& gradient,
                 const at::Tensor& mean,
                 const at::Tensor& square,
                 const AdamWStep& step) {
  const at::Tensor count =
      at::full({}, static_cast<double>(step.step), values.options().dtype(at::kFloat));
  // The kernel walks plain memory.
  at::_fused_adamw_({values}, {gradient.contiguous()}, {mean}, {square}, {}, {count}, step.lr,
                    step.options->beta1.value_or(0.9), step.options->beta2, step.decay,
                    step.options->epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace cupel::train
