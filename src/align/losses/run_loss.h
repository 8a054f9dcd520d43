#pragma once

#include <string>
#include <vector>

#include "align/losses/loss.h"
#include "base/result.h"
#include "train/metrics/metric_sum.h"

namespace cupel::align {

using train::MetricSum;

/// What one batch adds to the loss of an optimiser step.
struct LossSums {
  std::vector<at::Tensor> numerators;  ///< a scalar for each term, with gradient
  std::vector<double> counts;
  std::vector<MetricSum> metrics;  ///< rewards/*, logps/*, and the loss's own
};

/// Whether a batch has what a loss needs: shapes, roles, tokens in every sequence, finite numbers,
/// and what the loss itself asks for. Looks at values, so it waits for the device. Errors:
/// kInvalidArgument naming role and row.
Result<Ok> check_batch(const LossInfo& info, const LossBatch& batch, const LossOptions& options);

/// The counts by which the numerators of a step are divided: functions of masks and weights alone,
/// so that they are known, and summed over all micro-batches and processes, before the first
/// backward pass.
std::vector<double> loss_counts(const LossInfo& info,
                                const LossBatch& batch,
                                const LossOptions& options);

/// Runs a loss over a batch that `check_batch` accepts. Deterministic; thread-safe.
/// Errors: those of libtorch.
Result<LossSums> run_loss(const LossInfo& info, const LossBatch& batch, const LossOptions& options);

/// Σ numerator ÷ count: the loss when this batch is the whole step. A term that counts nothing adds
/// nothing.
at::Tensor mean_loss(const LossSums& sums);

}  // namespace cupel::align
