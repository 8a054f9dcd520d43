#include "train/schedule/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/error.h"
#include "base/named_values.h"

namespace cupel::train {
namespace {

constexpr int64_t kDefaultTimescale = 10'000;

constexpr std::array<std::string_view, 7> kKinds = {
    "constant", "linear", "cosine", "polynomial", "inverse_sqrt", "wsd", "phases"};
constexpr std::array<std::string_view, 4> kShapes = {"constant", "linear", "cosine",
                                                     "one_minus_sqrt"};

/// 1 at x = 0, 0 at x = 1 (constant: 1 before it).
double remaining(DecayShape shape, double x) {
  switch (shape) {
    case DecayShape::kConstant:
      return x < 1 ? 1 : 0;
    case DecayShape::kLinear:
      return 1 - x;
    case DecayShape::kCosine:
      return (1 + std::cos(std::numbers::pi * x)) / 2;
    case DecayShape::kOneMinusSqrt:
      return 1 - std::sqrt(x);
  }
  return 0;
}

double share(int64_t part, int64_t whole) {
  return whole <= 0 ? 1
                    : std::clamp(static_cast<double>(part) / static_cast<double>(whole), 0.0, 1.0);
}

int64_t steps_of(int64_t steps, double ratio, int64_t total) {
  return steps >= 0 ? steps : static_cast<int64_t>(std::ceil(ratio * static_cast<double>(total)));
}

Result<Ok> require(bool holds, std::string_view field, double value, std::string_view range) {
  if (holds) {
    return Ok{};
  }
  return invalid_argument("schedule: {} is {}; expected {}", field, value, range);
}

bool needs_total(ScheduleKind kind) {
  return kind == ScheduleKind::kLinear || kind == ScheduleKind::kCosine ||
         kind == ScheduleKind::kPolynomial || kind == ScheduleKind::kWsd;
}

Result<Ok> check_ranges(const ScheduleOptions& o) {
  CUPEL_TRY_VOID(require(o.lr >= 0 && std::isfinite(o.lr), "lr", o.lr, "a number ≥ 0"));
  CUPEL_TRY_VOID(require(o.min_lr >= 0 && o.min_lr <= o.lr, "min_lr", o.min_lr, "0 … lr"));
  const auto total = static_cast<double>(o.total_steps);
  CUPEL_TRY_VOID(require(o.total_steps >= (needs_total(o.kind) ? 1 : 0), "total_steps", total,
                         "at least 1 for this kind"));
  CUPEL_TRY_VOID(
      require(o.warmup_ratio >= 0 && o.warmup_ratio <= 1, "warmup_ratio", o.warmup_ratio, "0 … 1"));
  CUPEL_TRY_VOID(
      require(o.decay_ratio >= 0 && o.decay_ratio <= 1, "decay_ratio", o.decay_ratio, "0 … 1"));
  CUPEL_TRY_VOID(require(o.power > 0 && std::isfinite(o.power), "power", o.power, "a number > 0"));
  CUPEL_TRY_VOID(require(o.timescale >= 0, "timescale", static_cast<double>(o.timescale), "≥ 0"));
  if (o.kind == ScheduleKind::kPhases && o.phases.empty()) {
    return invalid_argument("schedule: kind \"phases\" needs at least one phase");
  }
  for (const SchedulePhase& phase : o.phases) {
    CUPEL_TRY_VOID(
        require(phase.steps > 0, "phases.steps", static_cast<double>(phase.steps), "> 0"));
    CUPEL_TRY_VOID(
        require(phase.lr >= 0 && std::isfinite(phase.lr), "phases.lr", phase.lr, "a number ≥ 0"));
  }
  return Ok{};
}

}  // namespace

std::span<const std::string_view> schedule_kind_names() {
  return kKinds;
}
std::span<const std::string_view> decay_shape_names() {
  return kShapes;
}

Result<ScheduleKind> parse_schedule_kind(std::string_view name) {
  return parse_enum<ScheduleKind>(name, kKinds, "schedule");
}

Result<DecayShape> parse_decay_shape(std::string_view name) {
  return parse_enum<DecayShape>(name, kShapes, "shape of a decay");
}

Result<Schedule> Schedule::create(const ScheduleOptions& options) {
  CUPEL_TRY_VOID(check_ranges(options));
  ScheduleOptions o = options;
  o.warmup_steps = steps_of(o.warmup_steps, o.warmup_ratio, o.total_steps);
  o.decay_steps =
      o.kind == ScheduleKind::kWsd ? steps_of(o.decay_steps, o.decay_ratio, o.total_steps) : 0;
  if (needs_total(o.kind) && o.warmup_steps + o.decay_steps > o.total_steps) {
    return invalid_argument(
        "schedule: {} steps of warm-up and {} of decay do not fit into {} steps in all; lower "
        "warmup_steps or decay_steps",
        o.warmup_steps, o.decay_steps, o.total_steps);
  }
  if (o.timescale == 0) {
    o.timescale = o.warmup_steps > 0 ? o.warmup_steps : kDefaultTimescale;
  }
  return Schedule(std::move(o));
}

double Schedule::lr(int64_t step) const {
  CUPEL_CHECK(step >= 0, "a schedule begins with step 0");
  if (step < options_.warmup_steps) {
    return options_.lr * static_cast<double>(step) / static_cast<double>(options_.warmup_steps);
  }
  return after_warmup(step);
}

double Schedule::after_warmup(int64_t step) const {
  const ScheduleOptions& o = options_;
  const int64_t done = step - o.warmup_steps;
  const double x = share(done, o.total_steps - o.warmup_steps);
  const auto between = [&o](double rest) { return o.min_lr + (o.lr - o.min_lr) * rest; };
  switch (o.kind) {
    case ScheduleKind::kConstant:
      return o.lr;
    case ScheduleKind::kLinear:
      return between(remaining(DecayShape::kLinear, x));
    case ScheduleKind::kCosine:
      return between(remaining(DecayShape::kCosine, x));
    case ScheduleKind::kPolynomial:
      return between(std::pow(1 - x, o.power));
    case ScheduleKind::kInverseSqrt:
      return std::max(
          o.min_lr,
          o.lr / std::sqrt(static_cast<double>(done) / static_cast<double>(o.timescale) + 1));
    case ScheduleKind::kWsd: {
      const int64_t decaying = step - (o.total_steps - o.decay_steps);
      return decaying <= 0 ? o.lr
                           : between(remaining(o.decay_shape, share(decaying, o.decay_steps)));
    }
    case ScheduleKind::kPhases:
      return in_phases(done);
  }
  return o.lr;
}

double Schedule::in_phases(int64_t step) const {
  double from = options_.lr;
  for (const SchedulePhase& phase : options_.phases) {
    if (step < phase.steps) {
      return phase.lr + (from - phase.lr) * remaining(phase.shape, share(step, phase.steps));
    }
    step -= phase.steps;
    from = phase.lr;
  }
  return from;
}

double layer_lr_scale(double decay, int64_t depth, int64_t layers) {
  CUPEL_CHECK(decay > 0 && decay <= 1 && depth >= 0 && depth <= layers + 1,
              "layer-wise decay: 0 < decay ≤ 1, 0 ≤ depth ≤ layers + 1");
  return std::pow(decay, static_cast<double>(layers + 1 - depth));
}

double adaptive_lr(double lr, int64_t trained_tokens, int64_t baseline_tokens) {
  CUPEL_CHECK(trained_tokens >= 0 && baseline_tokens > 0,
              "adaptive learning rate: tokens ≥ 0, baseline > 0");
  return lr * std::sqrt(static_cast<double>(trained_tokens) / static_cast<double>(baseline_tokens));
}

}  // namespace cupel::train
