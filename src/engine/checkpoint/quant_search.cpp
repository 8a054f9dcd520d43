#include "engine/checkpoint/quant_search.h"

#include <algorithm>
#include <cmath>

namespace cupel::engine {
namespace {

constexpr int kMostRounds = 6;  // of the alternation; it rarely takes more than three

float total(const float* lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

// Σ w x q and Σ w q² of the levels q at an inverse scale.
struct SymmetricSums {
  float xq;
  float qq;

  // How much the best scale for these levels, xq / qq, takes off Σ w x².
  [[nodiscard]] float gain() const { return qq > 0 ? xq * xq / qq : 0; }
};

SymmetricSums symmetric_sums(
    const float* x, const float* w, int count, float inverse, float low, float high) {
  float xq[kLanes] = {};
  float qq[kLanes] = {};
  for (int i = 0; i < count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) {
      const float q = clamp_level(nearest(x[i + l] * inverse), low, high);
      const float wq = w[i + l] * q;
      xq[l] += wq * x[i + l];
      qq[l] += wq * q;
    }
  }
  return {total(xq), total(qq)};
}

// Σ of w, w x, w x² once; of the levels q for each trial. `x` is shifted so that 0 is its least.
struct AffineSums {
  double w = 0;
  double x = 0;
  double xx = 0;
  double q = 0;
  double qq = 0;
  double xq = 0;
};

void add_levels(
    const float* x, const float* w, int count, const Fit& trial, float top, AffineSums& sums) {
  const float inverse = safe_inverse(trial.scale);
  float q_sum[kLanes] = {};
  float qq[kLanes] = {};
  float xq[kLanes] = {};
  for (int i = 0; i < count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) {
      const float q = clamp_level(nearest((x[i + l] - trial.minimum) * inverse), 0, top);
      const float wq = w[i + l] * q;
      q_sum[l] += wq;
      qq[l] += wq * q;
      xq[l] += wq * x[i + l];
    }
  }
  sums.q = total(q_sum);
  sums.qq = total(qq);
  sums.xq = total(xq);
}

struct AffineTrial {
  Fit fit;
  double error = INFINITY;
};

// The best scale and minimum (at most `most`) for the levels behind the sums.
AffineTrial solve(const AffineSums& s, double most) {
  const double determinant = s.w * s.qq - s.q * s.q;
  if (!(determinant > 0)) {
    return {};
  }
  double scale = (s.w * s.xq - s.x * s.q) / determinant;
  double minimum = (s.x - scale * s.q) / s.w;
  if (minimum > most) {
    minimum = most;
    scale = (s.xq - minimum * s.q) / s.qq;
  }
  if (!(scale > 0)) {
    return {};
  }
  const double error = s.xx + scale * (scale * s.qq - 2 * s.xq + 2 * minimum * s.q) +
                       minimum * (minimum * s.w - 2 * s.x);
  return {{static_cast<float>(scale), static_cast<float>(minimum)}, error};
}

}  // namespace

float safe_inverse(float d) {
  const float inverse = 1.0F / d;
  return std::isfinite(inverse) ? inverse : 0.0F;
}

float search_symmetric(const float* x, const float* w, int count, int half) {
  const float extreme =
      *std::max_element(x, x + count, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const float low = static_cast<float>(-half);
  const float high = static_cast<float>(half - 1);
  float best_gain = 0;
  float best = extreme / low;
  const auto try_inverse = [&](float inverse) {
    const SymmetricSums sums = symmetric_sums(x, w, count, inverse, low, high);
    if (!(sums.gain() > best_gain)) {
      return false;
    }
    best_gain = sums.gain();
    best = sums.xq / sums.qq;
    return true;
  };
  const float unit = safe_inverse(extreme);
  for (int step = 0; step <= 24; ++step) {  // the extreme at level -half: 1 inside to 2 beyond
    try_inverse((low + 1 - 0.125F * static_cast<float>(step)) * unit);
  }
  for (int step = 0; step <= 6; ++step) {  // at level half-1, or beyond
    try_inverse((high + 0.25F * static_cast<float>(step)) * unit);
  }
  for (int round = 0; round < kMostRounds && try_inverse(safe_inverse(best)); ++round) {
  }
  return best;
}

Fit search_affine(const float* x, const float* w, int count, int top, Minimum allowed) {
  const auto [least, greatest] = std::minmax_element(x, x + count);
  const float low = allowed == Minimum::kNotPositive ? std::min(*least, 0.0F) : *least;
  const float range = *greatest - low;
  const double most = allowed == Minimum::kNotPositive ? -static_cast<double>(low) : INFINITY;
  if (!(safe_inverse(range) > 0)) {
    return {0, low};
  }
  float shifted[32];
  AffineSums sums;
  for (int i = 0; i < count; ++i) {
    shifted[i] = x[i] - low;
    sums.w += w[i];
    sums.x += static_cast<double>(w[i]) * shifted[i];
    sums.xx += static_cast<double>(w[i]) * shifted[i] * shifted[i];
  }
  const auto levels = static_cast<float>(top);
  AffineTrial best;
  const auto improve = [&](const Fit& trial) {
    add_levels(shifted, w, count, trial, levels, sums);
    const AffineTrial next = solve(sums, most);
    const bool better = next.error < best.error;
    best = better ? next : best;
    return better;
  };
  for (int step = -10; step <= 10; ++step) {
    improve({range / (levels + 0.1F * static_cast<float>(step)), 0});
  }
  if (!std::isfinite(best.error)) {
    return {range / levels, low};
  }
  for (int round = 0; round < kMostRounds && improve(best.fit); ++round) {
  }
  return {best.fit.scale, best.fit.minimum + low};
}

float level_error(
    const float* x, const float* w, int count, const Fit& fit, float low, float high) {
  const float inverse = safe_inverse(fit.scale);
  float error[kLanes] = {};
  for (int i = 0; i < count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) {
      const float q = clamp_level(nearest((x[i + l] - fit.minimum) * inverse), low, high);
      const float difference = x[i + l] - (fit.scale * q + fit.minimum);
      error[l] += w[i + l] * difference * difference;
    }
  }
  return total(error);
}

}  // namespace cupel::engine
