#include "train/model/feed_forward.h"

#include <limits>

#include "train/model/gate.h"

namespace cupel::train {
namespace {

at::Tensor run(const FeedForwardLinears& linears,
               const engine::FeedForwardDescription& description,
               const at::Tensor& x,
               const Pass& pass) {
  const at::Tensor up = linears.up(x, pass);  // [T, F], fused: [T, 2 F]
  if (description.fused) {
    return linears.down(gated_halves(up, description.activation), pass);
  }
  const at::Tensor inner = description.gated
                               ? gated(linears.gate(x, pass), up, description.activation)
                               : gated(up, {}, description.activation);
  return linears.down(inner, pass);
}

/// Of the largest logits [T, K]; the lowest index of equals, as the engine.
at::Tensor largest(const at::Tensor& logits, int64_t count) {
  const auto [values, order] = logits.detach().sort(/*stable=*/true, -1, /*descending=*/true);
  return order.narrow(-1, 0, count);
}

/// One expert after the other, each by a softmax over the logits near the largest that is left.
ExpertChoices choose_by_sparse_mixer(const at::Tensor& logits,
                                     const engine::ExpertsDescription& experts) {
  const double none = -std::numeric_limits<double>::infinity();
  std::vector<at::Tensor> chosen;
  std::vector<at::Tensor> weights;
  at::Tensor left = logits;  // those taken: -infinity
  for (int64_t k = 0; k < experts.used; ++k) {
    const at::Tensor best = largest(left, 1);                      // [T, 1]
    const at::Tensor top = at::gather(logits, -1, best).detach();  // [T, 1]
    const at::Tensor distance = (top - logits.detach()) / at::maximum(logits.detach().abs(), top);
    const at::Tensor masked = left.masked_fill(distance > 2 * experts.near, none);
    weights.push_back(at::gather(at::softmax(masked, -1), -1, best));
    chosen.push_back(best);
    left = left.scatter(-1, best, none);
  }
  return {.experts = at::cat(chosen, -1), .weights = at::cat(weights, -1)};
}

}  // namespace

ExpertChoices choose_experts(const at::Tensor& logits, const engine::ExpertsDescription& experts) {
  if (experts.router == engine::RouterKind::kSparseMixer) {
    return choose_by_sparse_mixer(logits, experts);
  }
  const at::Tensor chosen = largest(logits, experts.used);  // [T, K]
  const at::Tensor picked = at::gather(logits, -1, chosen);
  return {.experts = chosen,
          .weights = experts.renormalise ? at::softmax(picked, -1)
                                         : at::gather(at::softmax(logits, -1), -1, chosen)};
}

at::Tensor feed_forward(const FeedForward& block, const at::Tensor& x, const Pass& pass) {
  const engine::ExpertsDescription& experts = block.description.experts;
  if (experts.count == 0) {
    return run(block.dense, block.description, x, pass);
  }
  const Pass exact = pass.exact();
  const ExpertChoices choices = choose_experts(block.router(x, exact), experts);
  at::Tensor sum = at::zeros_like(x, exact.compute);  // [T, D]
  const at::Tensor by_row = choices.experts.cpu();
  for (int64_t e = 0; e < experts.count; ++e) {
    const at::Tensor places = (by_row == e).nonzero().to(x.device());  // [n, 2]
    if (places.size(0) == 0) {
      continue;
    }
    const at::Tensor rows = places.select(1, 0);
    const at::Tensor weights = choices.weights.index({rows, places.select(1, 1)});  // [n]
    const at::Tensor out = run(block.experts[static_cast<size_t>(e)], block.description,
                               x.index_select(0, rows), pass);  // [n, D]
    sum = sum.index_add(0, rows, out.to(exact.compute) * weights.unsqueeze(1));
  }
  if (experts.shared_width > 0) {
    const at::Tensor share = at::sigmoid(block.shared_gate(x, exact));  // [T, 1]
    sum = sum + share * run(block.dense, block.description, x, pass).to(exact.compute);
  }
  return sum.to(pass.compute);
}

}  // namespace cupel::train
