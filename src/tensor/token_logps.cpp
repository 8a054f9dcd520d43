#include "tensor/token_logps.h"

#include "base/error.h"
#include "tensor/guard.h"

namespace cupel::tensor {
namespace {

Result<Ok> check(const at::Tensor& logits, const at::Tensor& ids, const at::Tensor& mask) {
  if (logits.dim() != 3 || ids.dim() != 2 || mask.dim() != 2 || ids.sizes() != mask.sizes() ||
      logits.size(0) != ids.size(0) || logits.size(1) != ids.size(1)) {
    return invalid_argument("token log-probs: expected logits [B,T,V] beside ids and mask [B,T]");
  }
  if (ids.size(1) < 2) {
    return invalid_argument(
        "token log-probs: {} tokens; the first one is predicted by nothing, so two are the least",
        ids.size(1));
  }
  const at::Tensor outside = (ids < 0).logical_or(ids >= logits.size(2)).logical_and(mask);
  if (outside.any().item<bool>()) {
    return invalid_argument("token log-probs: an id lies outside the vocabulary of {}",
                            logits.size(2));
  }
  return Ok{};
}

}  // namespace

Result<at::Tensor> token_logps(const at::Tensor& logits,
                               const at::Tensor& ids,
                               const at::Tensor& mask) {
  return guard([&]() -> Result<at::Tensor> {
    CUPEL_TRY_VOID(check(logits, ids, mask));
    const int64_t steps = ids.size(1) - 1;
    const auto type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor kept = mask.narrow(1, 1, steps);  // [B,T-1]
    // What does not count may hold any id, as -100 of other people's labels.
    const at::Tensor labels =
        at::where(kept, ids.narrow(1, 1, steps), at::zeros_like(ids.narrow(1, 1, steps)));
    const at::Tensor all = at::log_softmax(logits.narrow(1, 0, steps), -1, type);     // [B,T-1,V]
    const at::Tensor picked = at::gather(all, -1, labels.unsqueeze(-1)).squeeze(-1);  // [B,T-1]
    return at::where(kept, picked, at::zeros_like(picked));
  });
}

}  // namespace cupel::tensor
