#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/loop/objective.h"
#include "train/metrics/metric_sum.h"
#include "train/optimiser/optimiser.h"
#include "train/parallel/collective.h"

namespace cupel::train {

/// What a pass over the data of a step came to, over all processes.
struct StepResult {
  double loss = 0;
  std::vector<MetricSum> metrics;
  DataSize size;
};

/// Computes the loss of a step and, where `recording`, its gradients: those of the parameters are
/// replaced, and are those of the whole step on every process.
///
/// Gradients of bf16 parameters are summed over micro-batches in f32. `step` numbers the draws of
/// dropout and noise. Errors: those of the objective and the collective.
class StepRunner {
 public:
  StepRunner(Objective& objective, std::vector<at::Tensor> parameters, Collective& collective)
      : objective_(&objective), parameters_(std::move(parameters)), collective_(&collective) {}

  Result<StepResult> train(const StepPlan& plan, int64_t step);
  Result<StepResult> evaluate(const StepPlan& plan, int64_t step);
  /// The gradients of the last `train`, one for each parameter, undefined where the loss does not
  /// depend on it.
  [[nodiscard]] std::vector<at::Tensor>& gradients() { return gradients_; }
  /// Frees them.
  void clear();

 private:
  Result<StepResult> run(const StepPlan& plan, int64_t step, bool training);
  Result<Ok> take_survey(const StepPlan& plan, int64_t step);
  /// Takes over what the last backward pass left.
  void collect();
  Result<Ok> reduce(StepResult& result, std::vector<double>& numerators, int64_t step);

  Objective* objective_;
  std::vector<at::Tensor> parameters_;
  Collective* collective_;
  std::vector<at::Tensor> gradients_;
};

}  // namespace cupel::train
