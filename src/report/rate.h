#pragma once

#include <optional>

namespace cupel::report {

/// Rate and remaining time of work that arrives in lumps, as arithmetic on the times it is given.
///
/// The rate is amount over time, both weighted so that what lies `half_life_s` back counts half;
/// a steady stream gives its exact rate from the first lump on. Work done before `start_s` (a
/// resumed run) must not be reported here: it would make the rest look quick.
class RateMeter {
 public:
  explicit RateMeter(double start_s, double half_life_s = 30.0);

  /// `amount` was done between the last call (or the start) and `now_s`; time never runs backwards.
  void advance(double now_s, double amount);

  /// Amount a second; 0 until something has arrived.
  [[nodiscard]] double per_second() const;

  /// Seconds until `remaining` is done; nothing while the rate is unknown. Counts down between
  /// lumps, but never below what is left after one more lump of the last size.
  [[nodiscard]] std::optional<double> eta_s(double now_s, double remaining) const;

 private:
  double half_life_s_;
  double last_s_;
  double last_amount_ = 0;
  double weighted_amount_ = 0;
  double weighted_time_ = 0;
};

}  // namespace cupel::report
