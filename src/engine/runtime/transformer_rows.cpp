// Steps of the transformer over all rows of a batch, on all threads.
#include <algorithm>
#include <cstring>

#include "engine/kernels/outliers.h"
#include "engine/runtime/transformer.h"

namespace cupel::engine {
namespace {

// Multiply-adds below which waking the other threads costs more than it saves (≈ 5 µs of work).
constexpr size_t kForkWork = 20000;

}  // namespace

NormArgs Transformer::norm_args(const NormWeights& norm) const {
  return {.weight = norm.weight.data(),
          .bias = norm.bias.empty() ? nullptr : norm.bias.data(),
          .epsilon = static_cast<float>(description_.norm_epsilon),
          .center = description_.norm == NormKind::kLayer};
}

/// What a block multiplies: the normed rows, or with norms after the blocks the rows themselves.
ActivationRows Transformer::block_input(const float* hidden,
                                        int64_t rows,
                                        const NormWeights& norm) {
  const ActivationBuffer input = work_.normed.get(rows, description_.width, twins_);
  const auto width = static_cast<size_t>(input.cols);
  if (norm.empty()) {
    std::memcpy(input.values, hidden, static_cast<size_t>(rows) * width * sizeof(float));
    quantise_rows(input);
    return activation_rows(input);
  }
  const NormArgs args = norm_args(norm);
  for_each(static_cast<size_t>(rows), static_cast<size_t>(rows) * width * 2, [&](size_t i) {
    operators_->norm_quantise_row(hidden + i * width, args, input, static_cast<int64_t>(i));
  });
  sort_rows(input);
  return activation_rows(input);
}

void Transformer::sort_rows(const ActivationBuffer& buffer) const {
  if (twins_.int8) {
    sort_outliers(buffer);
  }
}

void Transformer::quantise_rows(const ActivationBuffer& buffer) {
  if (!twins_.any()) {
    return;
  }
  const auto rows = static_cast<size_t>(buffer.rows);
  for_each(rows, rows * static_cast<size_t>(buffer.cols),
           [&](size_t i) { operators_->quantise_row(buffer, static_cast<int64_t>(i)); });
  sort_rows(buffer);
}

/// hidden += the product, which is normed before where there is a norm.
void Transformer::add_block_output(const LinearWeights& weights,
                                   const ActivationRows& input,
                                   const NormWeights& norm,
                                   float* hidden) {
  const auto rows = static_cast<size_t>(input.rows);
  float* out =
      norm.empty() ? hidden : work_.block.get(rows * static_cast<size_t>(description_.width));
  const LinearArgs args[] = {
      {.weight = &weights.matrix,
       .bias = bias_of(weights),
       .input = input,
       .output = out,
       .output_stride = description_.width,
       .epilogue = norm.empty() ? LinearEpilogue::kAdd : LinearEpilogue::kStore}};
  run_linears(args);
  if (!norm.empty()) {
    add_rows(rows, norm, out, hidden);
  }
}

/// hidden += block, which is normed in place before where there is a norm.
void Transformer::add_rows(size_t rows, const NormWeights& norm, float* block, float* hidden) {
  const auto width = static_cast<size_t>(description_.width);
  const NormArgs args = norm_args(norm);
  for_each(rows, rows * width * 2, [&](size_t i) {
    float* row = block + i * width;
    if (!norm.empty()) {
      operators_->norm(row, args, description_.width, row);
    }
    operators_->add(hidden + i * width, row, description_.width);
  });
}

size_t Transformer::row_groups(const PackedMatrix& weight) const {
  const auto group = static_cast<size_t>(operators_->row_group());
  return (static_cast<size_t>(weight.rows) + group - 1) / group;
}

// One row waits for memory, which is read fastest in long runs; many rows are balanced finely.
void Transformer::for_each_run(size_t groups,
                               bool one_row,
                               FunctionRef<void(size_t, size_t)> body) {
  const size_t pieces = threads_->threads() * (one_row ? 4 : 8);
  const size_t piece = std::clamp<size_t>(groups / pieces, 1, one_row ? groups : 16);
  threads_->for_each_chunk(groups, piece, body);
}

void Transformer::run_linears(std::span<const LinearArgs> jobs) {
  const auto group = static_cast<size_t>(operators_->row_group());
  size_t groups = 0;
  for (const LinearArgs& job : jobs) {
    groups += row_groups(*job.weight);
  }
  for_each_run(groups, jobs.front().input.rows == 1, [&](size_t begin, size_t end) {
    for (const LinearArgs& job : jobs) {
      const auto rows = static_cast<size_t>(job.weight->rows);
      const size_t job_groups = row_groups(*job.weight);
      if (begin < job_groups && end > 0) {
        operators_->linear(job, static_cast<int64_t>(begin * group),
                           static_cast<int64_t>(std::min(std::min(end, job_groups) * group, rows)));
      }
      end = end > job_groups ? end - job_groups : 0;
      begin = begin > job_groups ? begin - job_groups : 0;
      if (end == 0) {
        return;
      }
    }
  });
}

void Transformer::run_gated(const GatedLinearArgs& args) {
  const int64_t group = operators_->row_group();
  for_each_run(row_groups(*args.gate), args.input.rows == 1, [&](size_t begin, size_t end) {
    operators_->linear_gated(args, static_cast<int64_t>(begin) * group,
                             std::min(static_cast<int64_t>(end) * group, args.gate->rows));
  });
}

void Transformer::for_each(size_t count, size_t work, FunctionRef<void(size_t)> body) {
  if (count == 1 || work < kForkWork || threads_->threads() == 1) {
    for (size_t i = 0; i < count; ++i) {
      body(i);
    }
    return;
  }
  const size_t chunk = std::max<size_t>(1, count / (threads_->threads() * 4));
  threads_->for_each_chunk(count, chunk, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      body(i);
    }
  });
}

}  // namespace cupel::engine
