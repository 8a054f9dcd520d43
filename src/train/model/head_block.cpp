#include "train/model/head_block.h"

#include <limits>

#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

kernels::LogitsBlock kernel_block(const LogitsView& block) {
  return {.first = block.first,
          .width = block.products.size(1),
          .logits = results_of(block.products),
          .bias = floats_of(block.bias),
          .softcap = static_cast<float>(block.softcap),
          .labels = block.labels.const_data_ptr<int64_t>()};
}

/// Calls body with the block cut to ranges of its rows.
template <typename Body>
void run_ranges(const LogitsView& block, const Body& body) {
  const int64_t rows = block.products.size(0);
  tensor::for_each_part(rows, tensor::parts_of(rows * block.products.size(1), 1 << 14),
                        [&](int64_t /*part*/, int64_t begin, int64_t end) {
                          kernels::LogitsBlock range = kernel_block(block);
                          range.begin = begin;
                          range.end = end;
                          body(range);
                        });
}

template <typename T>
T* numbers_of(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<T>() : nullptr;
}

/// Soft-capped logits in `exact`.
at::Tensor exact_logits(const LogitsView& block) {
  at::Tensor x = block.exact;
  if (!x.is_same(block.products)) {
    x.copy_(block.products);
  }
  if (block.bias.defined()) {
    x.add_(block.bias.narrow(0, block.first, x.size(1)));
  }
  if (block.softcap > 0) {
    x.div_(block.softcap).tanh_().mul_(block.softcap);
  }
  return x;
}

/// The labels' columns in the block, and which rows have theirs in it.
struct Columns {
  at::Tensor columns;  ///< [c, 1], inside the block
  at::Tensor inside;   ///< [c]
};
Columns columns_of(const LogitsView& block) {
  const int64_t width = block.products.size(1);
  const at::Tensor columns = block.labels - block.first;
  return {.columns = columns.clamp(0, width - 1).unsqueeze(1),
          .inside = columns.ge(0).logical_and(columns.lt(width))};
}

void add_block_plainly(const LogitsView& block, RowSums& sums) {
  at::Tensor x = exact_logits(block);
  const at::Tensor top = at::maximum(sums.largest, x.amax(-1));  // [c]
  if (sums.top.defined()) {
    sums.top = at::where(top.gt(sums.largest), x.argmax(-1) + block.first, sums.top);
  }
  const at::Tensor less = (sums.largest - top).masked_fill(sums.largest.isinf(), 0).to(at::kDouble);
  const at::Tensor factor = less.exp();
  const Columns label = columns_of(block);
  sums.label = at::where(label.inside, x.gather(-1, label.columns).squeeze(1), sums.label);
  if (sums.totals.defined()) {
    sums.totals += x.sum(-1, false, at::kDouble);
  }
  x.sub_(top.unsqueeze(1));
  if (sums.products.defined()) {
    sums.products =
        factor * (sums.products + less * sums.sums) + (x.exp() * x).sum(-1, false, at::kDouble);
  }
  x.exp_();
  sums.sums = sums.sums * factor + x.sum(-1, false, at::kDouble);
  if (sums.squares.defined()) {
    sums.squares = sums.squares * factor.square() + x.square_().sum(-1, false, at::kDouble);
  }
  sums.largest = top;
}

at::Tensor block_slopes_plainly(const LogitsView& block, const RowSlopes& slopes) {
  at::Tensor x = exact_logits(block);
  at::Tensor steepness;  // ∂x/∂z
  if (block.softcap > 0) {
    steepness = x.div(block.softcap).square_().neg_().add_(1);
  }
  x.sub_(slopes.log_sums.unsqueeze(1)).exp_().mul_(slopes.of_p.unsqueeze(1));
  if (slopes.of_all.defined()) {
    x.add_(slopes.of_all.unsqueeze(1));
  }
  const Columns label = columns_of(block);
  const at::Tensor of_label = slopes.of_label.masked_fill(label.inside.logical_not(), 0);
  x.scatter_add_(-1, label.columns, of_label.unsqueeze(1));
  if (steepness.defined()) {
    x.mul_(steepness);
  }
  at::Tensor out = block.products;
  return x.is_same(out) ? x : out.copy_(x);
}

}  // namespace

RowSums RowSums::begin(int64_t rows, const at::TensorOptions& exact, const Wanted& wanted) {
  const auto zeros = [&](bool is_wanted) {
    return is_wanted ? at::zeros({rows}, exact.dtype(at::kDouble)) : at::Tensor();
  };
  return {.largest = at::full({rows}, -std::numeric_limits<double>::infinity(), exact),
          .sums = zeros(true),
          .label = at::zeros({rows}, exact),
          .totals = zeros(wanted.totals),
          .products = zeros(wanted.products),
          .squares = zeros(wanted.squares),
          .top = wanted.top ? at::full({rows}, -1, exact.dtype(at::kLong)) : at::Tensor()};
}

void add_block(const LogitsView& block, RowSums& sums) {
  if (!has_kernels(block.products)) {
    add_block_plainly(block, sums);
    return;
  }
  const kernels::LogitSums numbers = {.largest = numbers_of<float>(sums.largest),
                                      .sums = numbers_of<double>(sums.sums),
                                      .label = numbers_of<float>(sums.label),
                                      .totals = numbers_of<double>(sums.totals),
                                      .products = numbers_of<double>(sums.products),
                                      .squares = numbers_of<double>(sums.squares),
                                      .top = numbers_of<int64_t>(sums.top)};
  run_ranges(block, [&](const kernels::LogitsBlock& range) {
    kernels::kernels().describe_logits(range, numbers);
  });
}

at::Tensor block_slopes(const LogitsView& block, const RowSlopes& slopes) {
  if (!has_kernels(block.products)) {
    return block_slopes_plainly(block, slopes);
  }
  const kernels::LogitSlopes numbers = {.log_sums = floats_of(slopes.log_sums),
                                        .of_label = floats_of(slopes.of_label),
                                        .of_p = floats_of(slopes.of_p),
                                        .of_all = floats_of(slopes.of_all)};
  run_ranges(block, [&](const kernels::LogitsBlock& range) {
    kernels::kernels().logit_slopes(range, numbers);
  });
  return block.products;
}

bool reads_exact_logits(const at::Tensor& products) {
  return !has_kernels(products);
}

}  // namespace cupel::train
