#include "report/rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cupel::report {

RateMeter::RateMeter(double start_s, double half_life_s)
    : half_life_s_(half_life_s), last_s_(start_s) {}

void RateMeter::advance(double now_s, double amount) {
  const double gap = std::max(0.0, now_s - last_s_);
  const double decay = std::exp2(-gap / half_life_s_);
  // The gap's weight is the integral of 2^(-age / half life) over it. The lump is taken as spread
  // evenly over its gap, so it gets the mean of that weight: a steady stream is then exact.
  const double gap_weight = half_life_s_ / std::numbers::ln2 * (1.0 - decay);
  const double lump_weight = gap > 0 ? gap_weight / gap : 1.0;
  weighted_time_ = weighted_time_ * decay + gap_weight;
  weighted_amount_ = weighted_amount_ * decay + amount * lump_weight;
  last_amount_ = amount;
  last_s_ = std::max(last_s_, now_s);
}

double RateMeter::per_second() const {
  return weighted_time_ > 0 ? weighted_amount_ / weighted_time_ : 0.0;
}

std::optional<double> RateMeter::eta_s(double now_s, double remaining) const {
  const double rate = per_second();
  if (rate <= 0) {
    return std::nullopt;
  }
  const double since_last = std::max(0.0, now_s - last_s_);
  const double after_next_lump = std::max(0.0, remaining - last_amount_) / rate;
  return std::max(remaining / rate - since_last, after_next_lump);
}

}  // namespace cupel::report
