#pragma once

#include "train/kernels/lane_gate.h"
#include "train/kernels/lane_heads.h"
#include "train/kernels/lane_logits.h"
#include "train/kernels/lane_norm.h"
#include "train/kernels/lane_softmax.h"

namespace cupel::train::kernels {
namespace {

/// The table of the level whose Lanes were included before.
inline KernelTable make_table() {
  return {.norm = &norm,
          .norm_gradient = &norm_gradient,
          .gate = &gate,
          .gate_gradient = &gate_gradient,
          .heads = &heads,
          .softmax = &softmax,
          .softmax_gradient = &softmax_gradient,
          .describe_logits = &describe_logits,
          .logit_slopes = &logit_slopes};
}

}  // namespace
}  // namespace cupel::train::kernels
