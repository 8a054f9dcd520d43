#pragma once

#include <cstdint>

namespace cupel::engine {

// The search for scales and minima: of a group of numbers x with weights w (≥ 0, not all 0) it
// looks for those of the least Σ w · (x - x')², where x' is what the levels give back.
//
// Both go the same way. A grid of scales around the one that just spans the group is tried; for
// each, numbers are rounded to levels, and for given levels the best scale (and minimum) is a
// linear least-squares problem with a closed form. From the best of the grid the two steps
// alternate, as Lloyd's algorithm does, while the error falls. Loops run over `kLanes` independent
// sums, which compilers turn into vector instructions, and their order is fixed: results depend on
// the input alone.
//
// Source: Lloyd 1982, "Least squares quantization in PCM", §III, for the alternation.

inline constexpr int kLanes = 8;

/// x' = scale · level + minimum.
struct Fit {
  float scale = 0;
  float minimum = 0;
};

/// The nearest integer, halves to even, of |x| < 2^22.
inline float nearest(float x) {
  constexpr float kShift = 0x1.8p23F;
  return (x + kShift) - kShift;
}

inline float clamp_level(float level, float low, float high) {
  const float raised = level < low ? low : level;
  return raised > high ? high : raised;
}

/// 1/d, or 0 for a scale so small that its inverse overflows.
float safe_inverse(float d);

/// The best scale (of either sign) for levels -half … half-1, minimum 0.
/// Shapes: `x` and `w` of `count` numbers, a multiple of 8 up to 32. Cost: about 40 passes.
float search_symmetric(const float* x, const float* w, int count, int half);

enum class Minimum { kAny, kNotPositive };

/// The best scale (≥ 0) and minimum for levels 0 … top. Shapes and cost as search_symmetric.
Fit search_affine(const float* x, const float* w, int count, int top, Minimum allowed);

/// Σ w · (x - x')² at the nearest levels `low` … `high` of a given scale and minimum.
float level_error(const float* x, const float* w, int count, const Fit& fit, float low, float high);

}  // namespace cupel::engine
