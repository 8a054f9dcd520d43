#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel::train {

/// How the learning rate goes from one value to another while x runs from 0 to 1.
enum class DecayShape {
  kConstant,      ///< stays until x = 1
  kLinear,        ///< 1 − x
  kCosine,        ///< (1 + cos πx)/2
  kOneMinusSqrt,  ///< 1 − √x: fast at first (Hägele et al. 2024, eq. 5)
};

enum class ScheduleKind {
  kConstant,
  kLinear,
  kCosine,
  kPolynomial,
  kInverseSqrt,
  kWsd,  ///< warm-up, stable, decay
  kPhases,
};

/// The names recipes use: "constant", "linear", "cosine", "polynomial", "inverse_sqrt", "wsd",
/// "phases"; "constant", "linear", "cosine", "one_minus_sqrt".
std::span<const std::string_view> schedule_kind_names();
std::span<const std::string_view> decay_shape_names();
/// Errors: kInvalidArgument - an unknown name, with the nearest known one.
Result<ScheduleKind> parse_schedule_kind(std::string_view name);
Result<DecayShape> parse_decay_shape(std::string_view name);

/// One stretch of a schedule of several.
struct SchedulePhase {
  int64_t steps = 0;  ///< > 0
  double lr = 0;      ///< where it ends, ≥ 0; it begins where the one before ended
  DecayShape shape = DecayShape::kLinear;
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double lr = 2e-5;           ///< the peak, ≥ 0
  double min_lr = 0;          ///< where a decay ends, 0 … lr
  int64_t total_steps = 0;    ///< of the whole run, > 0 (constant and inverse_sqrt need none)
  int64_t warmup_steps = -1;  ///< lr rises linearly from 0; −1: by `warmup_ratio`
  double warmup_ratio =
      0;  ///< share of `total_steps`, 0 … 1, rounded up; used when no steps are given
  int64_t decay_steps = -1;  ///< wsd: the last steps; −1: by `decay_ratio`
  double decay_ratio = 0.1;  ///< wsd: share of `total_steps`, 0 … 1, rounded up
  DecayShape decay_shape = DecayShape::kLinear;  ///< wsd
  double power = 1;                              ///< polynomial, > 0
  int64_t timescale =
      0;  ///< inverse_sqrt: steps until lr/√2 without warm-up; 0: warm-up, else 10000
  std::vector<SchedulePhase> phases;  ///< phases: after the warm-up; the last one's end stays
};

/// The learning rate of every step: a pure function, so that a resumed run and a plot made before
/// the run are exact.
///
/// Step k = 0, 1, …; the first optimiser step uses lr(0), which is 0 under a warm-up, as the
/// schedulers of transformers do. Beyond `total_steps` the last value stays.
/// Formulas for k ≥ w (w warm-up, T total, x = (k − w)/(T − w)): linear min + (lr − min)(1 − x);
/// cosine min + (lr − min)(1 + cos πx)/2; polynomial min + (lr − min)(1 − x)^power; inverse_sqrt
/// lr/√((k − w)/s + 1) with s = `timescale`; wsd: lr until T − d, then the shape over d steps.
/// Checked against: tests/train_data/schedule_test.cpp (worked values; transformers' formulas).
class Schedule {
 public:
  /// Errors: kInvalidArgument - a value outside its range, or warm-up and decay that do not fit
  /// into `total_steps`; the message names the field.
  static Result<Schedule> create(const ScheduleOptions& options);

  /// For step ≥ 0.
  [[nodiscard]] double lr(int64_t step) const;

  [[nodiscard]] int64_t warmup_steps() const { return options_.warmup_steps; }
  [[nodiscard]] int64_t decay_steps() const { return options_.decay_steps; }

 private:
  explicit Schedule(ScheduleOptions options) : options_(std::move(options)) {}
  [[nodiscard]] double after_warmup(int64_t step) const;
  [[nodiscard]] double in_phases(int64_t step) const;

  ScheduleOptions options_;  // with steps in place of ratios
};

/// Scale of a layer's learning rate under layer-wise decay: decay^(layers + 1 − depth), with depth
/// 0 for the embedding, i + 1 for block i and layers + 1 for what follows the blocks.
/// Source: Bao et al. 2021 (BEiT), §3.2. Ranges: 0 < decay ≤ 1, 0 ≤ depth ≤ layers + 1.
double layer_lr_scale(double decay, int64_t depth, int64_t layers);

/// Adaptive learning rate: lr · √(trained tokens of the step / baseline tokens).
/// Source: Ociepa et al. 2024 (Bielik 7B v0.1), §4.3. Ranges: tokens ≥ 0, baseline > 0.
double adaptive_lr(double lr, int64_t trained_tokens, int64_t baseline_tokens);

}  // namespace cupel::train
