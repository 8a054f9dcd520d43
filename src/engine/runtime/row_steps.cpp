#include "engine/runtime/row_steps.h"

#include <algorithm>

#include "engine/kernels/outliers.h"
#include "engine/runtime/transformer.h"

namespace cupel::engine {
namespace {

// Multiply-adds below which waking the other threads costs more than it saves (≈ 5 µs of work).
constexpr size_t kForkWork = 20000;

}  // namespace

Result<LoadedModel> load_model(const Checkpoint& file,
                               const ModelDescription& description,
                               const EngineOptions& options) {
  LoadedModel model;
  CUPEL_TRY(model.operators, operators_for(options.level.value_or(best_cpu_level())));
  model.threads =
      std::make_unique<ThreadPool>(options.threads == 0 ? available_cpus() : options.threads);
  CUPEL_TRY(model.weights,
            load_weights(file, description, *model.operators, options.noise, *model.threads));
  return model;
}

void RowSteps::set_twins(const Weights& weights) {
  twins_ = {};
  if (activations_ == Activations::kFloat32) {
    return;
  }
  const bool tied = weights.head.matrix.data == weights.embedding.data;
  const auto ask = [&](const PackedMatrix& matrix) {
    const bool looked_up_only = (matrix.data == weights.embedding.data && !tied) ||
                                matrix.data == weights.positions.data ||
                                matrix.data == weights.token_types.data;
    if (!looked_up_only) {
      twins_.bf16 |= matrix.type == TensorType::kBF16;
      twins_.int8 |= tensor_type_info(matrix.type).block_elements > 1;
    }
  };
  weights.for_each_matrix(ask);
}

void RowSteps::sort_rows(const ActivationBuffer& buffer) const {
  if (twins_.int8) {
    sort_outliers(buffer);
  }
}

void RowSteps::quantise_rows(const ActivationBuffer& buffer) {
  if (!twins_.any()) {
    return;
  }
  const auto rows = static_cast<size_t>(buffer.rows);
  for_each(rows, rows * static_cast<size_t>(buffer.cols),
           [&](size_t i) { operators_->quantise_row(buffer, static_cast<int64_t>(i)); });
  sort_rows(buffer);
}

size_t RowSteps::row_groups(const PackedMatrix& weight) const {
  const auto group = static_cast<size_t>(operators_->row_group());
  return (static_cast<size_t>(weight.rows) + group - 1) / group;
}

// One row waits for memory, which is read fastest in long runs; many rows are balanced finely.
void RowSteps::for_each_run(size_t groups, bool one_row, FunctionRef<void(size_t, size_t)> body) {
  const size_t pieces = threads_->threads() * (one_row ? 4 : 8);
  size_t piece = std::clamp<size_t>(groups / pieces, 1, one_row ? groups : 16);
  if (!one_row && piece > 1) {
    piece -= piece % 2;  // many rows take groups in pairs
  }
  threads_->for_each_chunk(groups, piece, body);
}

void RowSteps::run_linears(std::span<const LinearArgs> jobs) {
  const auto group = static_cast<size_t>(operators_->row_group());
  size_t groups = 0;
  for (const LinearArgs& job : jobs) {
    groups += row_groups(*job.weight);
  }
  const auto run = [&](size_t begin, size_t end) {
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
  };
  if (threads_->alone()) {
    run(0, groups);
  } else {
    for_each_run(groups, jobs.front().input.rows == 1, run);
  }
}

void RowSteps::run_gated(const GatedLinearArgs& args) {
  const int64_t group = operators_->row_group();
  for_each_run(row_groups(*args.gate), args.input.rows == 1, [&](size_t begin, size_t end) {
    operators_->linear_gated(args, static_cast<int64_t>(begin) * group,
                             std::min(static_cast<int64_t>(end) * group, args.gate->rows));
  });
}

void RowSteps::for_each(size_t count, size_t work, FunctionRef<void(size_t)> body) {
  if (count == 1 || work < kForkWork || threads_->alone()) {
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
