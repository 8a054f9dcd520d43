#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"
#include "engine/model/weights.h"
#include "engine/runtime/workspace.h"

namespace cupel::engine {

struct EngineOptions;

/// What a transformer and an encoder are made of, beside their description.
struct LoadedModel {
  const Operators* operators = nullptr;
  std::unique_ptr<ThreadPool> threads;
  Weights weights;
};
/// Errors: those of load_weights; kUnsupported - a CPU level that this machine lacks.
Result<LoadedModel> load_model(const Checkpoint& file,
                               const ModelDescription& description,
                               const EngineOptions& options);

/// Steps over all rows of a batch, on all threads: what the transformer and the encoder are made
/// of. Results depend neither on the number of threads nor on how rows are batched.
class RowSteps {
 protected:
  RowSteps(const Operators& operators, std::unique_ptr<ThreadPool> threads, Activations activations)
      : activations_(activations), operators_(&operators), threads_(std::move(threads)) {}

  /// Sees to what the weights that are multiplied ask for; to nothing in the exact mode.
  void set_twins(const Weights& weights);
  [[nodiscard]] static const float* bias_of(const LinearWeights& linear) {
    return linear.bias.empty() ? nullptr : linear.bias.data();
  }
  [[nodiscard]] static NormArgs norm_args_of(const NormWeights& norm,
                                             const ModelDescription& model) {
    return {.weight = norm.weight.data(),
            .bias = norm.bias.empty() ? nullptr : norm.bias.data(),
            .epsilon = static_cast<float>(model.norm_epsilon),
            .center = model.norm == NormKind::kLayer};
  }
  /// The twins of all rows, where there are some.
  void quantise_rows(const ActivationBuffer& buffer);
  void sort_rows(const ActivationBuffer& buffer) const;
  /// Products of one input with several weights.
  void run_linears(std::span<const LinearArgs> jobs);
  void run_gated(const GatedLinearArgs& args);
  /// body(i) for i in [0, count): on all threads when `work` (rough multiply-adds) is worth a fork.
  void for_each(size_t count, size_t work, FunctionRef<void(size_t)> body);

  Activations activations_;
  ActivationTwins twins_;
  const Operators* operators_;
  std::unique_ptr<ThreadPool> threads_;

 private:
  /// Row groups of a weight.
  [[nodiscard]] size_t row_groups(const PackedMatrix& weight) const;
  /// body(begin, end) over all row groups, in pieces that suit one or many rows of activations.
  void for_each_run(size_t groups, bool one_row, FunctionRef<void(size_t, size_t)> body);
};

}  // namespace cupel::engine
