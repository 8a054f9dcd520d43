#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"
#include "train/parallel/collective.h"

namespace cupel::train {

/// Sums gradients over all processes, in buckets of 25 MB. Each process has divided its loss by the
/// counts of the whole step, so nothing is averaged here.
///
/// `gradients[i]` belongs to `parameters[i]`, which say shapes and devices. Sums are f32, f64 of
/// f64 parameters; a bf16 gradient is replaced by its sum in f32, one that is f32 is written in
/// place. An undefined gradient counts as 0 and is defined afterwards, unless no process has it.
/// The bits are the same on every process. With one process nothing happens.
///
/// Errors: those of the collective; kExhausted - no memory for a bucket.
Result<Ok> sum_gradients(Collective& collective,
                         std::vector<at::Tensor>& gradients,
                         std::span<const at::Tensor> parameters,
                         std::string_view what);

}  // namespace cupel::train
