#pragma once

#include "base/result.h"
#include "tensor/tensor.h"

namespace cupel::tensor {

/// Log-probabilities of the tokens of given texts: position t of the logits predicts token t + 1.
///
/// Shapes: logits [B,T,V] of any floating type, ids [B,T] int64, mask [B,T] bool (true: the token
/// counts) →
///         [B,T−1], entry t that of token t + 1, exactly 0 where that token does not count.
/// Types:  f64 logits give f64; all others are computed and returned in f32, since rounding adds up
/// over long texts. Units:  nats. Gradients flow to the logits. Errors: kInvalidArgument - shapes
/// that do not fit, fewer than two tokens, an id outside the vocabulary.
Result<at::Tensor> token_logps(const at::Tensor& logits,
                               const at::Tensor& ids,
                               const at::Tensor& mask);

}  // namespace cupel::tensor
