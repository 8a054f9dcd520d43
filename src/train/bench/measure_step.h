#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "train/adapter/lora.h"
#include "train/model/model.h"
#include "train/model/twin.h"

namespace cupel::train {

/// What a training step is measured on: random tokens in the layout of a batch.
struct StepMeasureOptions {
  /// Pairs of answers, each pair behind one prompt; 0: texts instead.
  int64_t pairs = 4;
  int64_t prompt_tokens = 200;
  int64_t answer_tokens = 100;
  /// Texts in one batch without padding, every token but the last of each a label.
  int64_t texts = 0;
  int64_t text_tokens = 512;

  TwinOptions twin;
  std::optional<LoraOptions> lora;  ///< absent: gradients of all parameters
  int64_t warm_up = 1;              ///< steps before those that count
  int64_t steps = 5;                ///< >= 1; the numbers are of the median one
  uint64_t seed = 0;
};

/// Times are of the median step, in milliseconds.
struct StepMeasure {
  int64_t tokens = 0;       ///< rows of the batch: a shared prompt counts once
  int64_t text_tokens = 0;  ///< of all texts written out, as a padded batch would have them
  int64_t labels = 0;
  double hidden_ms = 0;    ///< forward pass up to the head
  double head_ms = 0;      ///< forward pass of head and log-softmax
  double backward_ms = 0;  ///< of both
  double step_ms = 0;
  double step_min_ms = 0;  ///< of the fastest step
  /// Processor time of all threads, of the step that took least: with one thread what neighbours on
  /// the machine disturb least.
  double step_cpu_ms = 0;
  /// Multiplications and additions of matrix products in a step, each one operation: 2 per weight
  /// and token forward and 4 backward (2 where the weight is frozen), of the head per label; of
  /// attention 4 · H per head, query and visible key forward and 8 backward. What is computed a
  /// second time (head_logps, recomputed layers, attention's scores) does not count.
  double flops = 0;
  /// Of at::mm on the model's own shapes in the type of the products, forward and both products of
  /// backward, in operations per second.
  double peak_flops_per_second = 0;
  int64_t peak_bytes = 0;  ///< most memory resident in a step, the model's included; 0: unknown

  /// Tokens as `text_tokens` counts them: what a padded batch is compared by.
  [[nodiscard]] double tokens_per_second() const {
    return static_cast<double>(text_tokens) / step_ms * 1e3;
  }
  /// Model FLOPs utilisation: the share of the measured peak.
  [[nodiscard]] double mfu() const { return flops / step_ms * 1e3 / peak_flops_per_second; }
};

/// Runs forward passes, log-probs of the labels, and backward passes of a random weighted sum.
///
/// The model's parameters keep their values; their gradients are gone afterwards.
/// Errors: kInvalidArgument - a count that is not positive; those of Lora::create, Twin::create.
Result<StepMeasure> measure_train_step(const Model& model, const StepMeasureOptions& options);

}  // namespace cupel::train
