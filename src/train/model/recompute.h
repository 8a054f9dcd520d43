#pragma once

#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace cupel::train {

/// A step of a model: one input, one output.
using Step = std::function<at::Tensor(const at::Tensor& input)>;

/// Runs a step and keeps nothing of it but its input: the backward pass runs it again. The same
/// numbers come out both times, since every draw inside a step (dropout) is a function of its
/// place, not of what was drawn before.
///
/// `tensors`: the parameters that the step reads; their gradients are those of the step run
/// plainly. What the step refers to must be there until the backward pass is done. Source: Chen et
/// al. 2016, "Training Deep Nets with Sublinear Memory Cost".
at::Tensor recomputed(Step step, const at::Tensor& input, const std::vector<at::Tensor>& tensors);

}  // namespace cupel::train
