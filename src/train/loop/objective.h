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
  std::span<const int64_t> bin_of;  ///< of each piece: which of the step's bins it is of
  /// A number of its own among all micro-batches of the run: another number, other draws of dropout
  /// and noise. Absent: evaluation, nothing is drawn.
  std::optional<uint64_t> draw;
  /// How many pieces of the step come before these, micro-batch by micro-batch and in each process
  /// by process.
  int64_t begin = 0;
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

  /// How many numbers of each piece of the step that begins the loss must know before any part is
  /// computed (KTO's reference point is a mean over the step, AOT sorts all of it). Where there are
  /// some, `survey` is called for every micro-batch, without recording, and `set_survey` with those
  /// of all micro-batches and processes, in the order of `MicroBatch::begin`, before the first
  /// `run`.
  [[nodiscard]] virtual int64_t survey_width() const { return 0; }
  /// `survey_width` numbers of each piece.
  virtual Result<std::vector<double>> survey(const MicroBatch& batch);
  virtual void set_survey(const std::vector<double>& numbers);

  /// Errors: kFailedPrecondition - numbers that are not finite; those of libtorch.
  virtual Result<Contribution> run(const MicroBatch& batch) = 0;

  [[nodiscard]] virtual DataSize size_of(std::span<const Piece> pieces) const = 0;
  /// The ids of the rows of pieces, for messages.
  [[nodiscard]] virtual std::vector<std::string> row_ids(std::span<const Piece> pieces) const = 0;
};

}  // namespace cupel::train
