#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"
#include "train/data/batcher.h"
#include "train/metrics/metric_sum.h"

namespace cupel::train {

/// The part of an optimiser step that one process computes at once.
struct MicroBatch {
  std::span<const Piece> pieces;
  /// A number of its own among all micro-batches of the run: another number, other draws of dropout
  /// and noise. Absent: evaluation, nothing is drawn.
  std::optional<uint64_t> draw;
};

/// What a micro-batch adds to the loss of its step.
struct Contribution {
  /// Of each term of the objective, a scalar with gradient: the loss of the step is Σ numerator ÷
  /// count over the terms, numerators and counts being summed over all micro-batches and processes
  /// first.
  std::vector<at::Tensor> numerators;
  std::vector<MetricSum>
      metrics;  ///< means for the records, always the same names in the same order
};

/// How much data there is in pieces.
struct DataSize {
  int64_t samples = 0;  ///< examples or groups
  int64_t tokens = 0;   ///< that are computed
  int64_t labels = 0;   ///< that are learnt
};

/// What is learnt from data: loss and its denominators, over one data set. Implementations:
/// src/align/objectives. The trainer knows no more of a method than this.
class Objective {
 public:
  virtual ~Objective() = default;

  /// Called before the parts of a step, with all of it, the share of other processes too. Returns
  /// the counts of the step's terms: functions of data alone, so that every process knows them
  /// before the first backward pass. Errors: kInvalidArgument - data that the loss refuses.
  virtual Result<std::vector<double>> begin_step(const StepPlan& plan) = 0;

  /// Whether the loss takes a mean over the whole step as constant (KTO's reference point). Then
  /// `baseline` is called for every micro-batch, without recording, and `set_baseline` with the
  /// mean over all of them, before the first `run`.
  [[nodiscard]] virtual bool has_baseline() const { return false; }
  virtual Result<MetricSum> baseline(const MicroBatch& batch);
  virtual void set_baseline(double mean);

  /// Errors: kFailedPrecondition - numbers that are not finite; those of libtorch.
  virtual Result<Contribution> run(const MicroBatch& batch) = 0;

  [[nodiscard]] virtual DataSize size_of(std::span<const Piece> pieces) const = 0;
  /// The ids of the rows of pieces, for messages.
  [[nodiscard]] virtual std::vector<std::string> row_ids(std::span<const Piece> pieces) const = 0;
};

}  // namespace cupel::train
