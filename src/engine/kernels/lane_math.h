#pragma once

#include <cstdint>

namespace cupel::engine::kernels {
namespace {

// Elementary functions over the Lanes of a level, which must be declared before this file is
// included. Each is one fixed sequence of IEEE operations, so all levels return the same bits.

/// e^x for -87.33 ≤ x ≤ 88, relative error < 1.5e-7; NaN stays NaN.
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r = 1 + r + r²·p(r), p a minimax polynomial of degree 4
/// (relative error 3.1e-9, fitted on Chebyshev nodes); ln 2 in two parts.
[[gnu::always_inline]] inline Lanes exp_in_range(Lanes x) {
  const Lanes magic = Lanes::broadcast(12582912.0F);  // 1.5 · 2^23: adding it rounds to an integer
  const Lanes shifted = Lanes::fma(x, Lanes::broadcast(1.44269504F), magic);
  const Lanes n = Lanes::sub(shifted, magic);
  Lanes r = Lanes::fma(n, Lanes::broadcast(-0.693359375F), x);
  r = Lanes::fma(n, Lanes::broadcast(2.12194440e-4F), r);
  Lanes p = Lanes::broadcast(0.00138144591F);
  p = Lanes::fma(p, r, Lanes::broadcast(0.00836878084F));
  p = Lanes::fma(p, r, Lanes::broadcast(0.0416683927F));
  p = Lanes::fma(p, r, Lanes::broadcast(0.166665196F));
  p = Lanes::fma(p, r, Lanes::broadcast(0.49999994F));
  const Lanes one_plus = Lanes::add(Lanes::fma(Lanes::mul(r, r), p, r), Lanes::broadcast(1.0F));
  return Lanes::mul(one_plus, Lanes::power_of_two(shifted));
}

/// e^x, relative error < 1.5e-7; 0 below -87.33, e^88 above 88; NaN stays NaN.
[[gnu::always_inline]] inline Lanes exp_lanes(Lanes x) {
  const Lanes clamped =
      Lanes::max(Lanes::broadcast(-88.0F), Lanes::min(Lanes::broadcast(88.0F), x));
  return Lanes::select_less(x, Lanes::broadcast(-87.33F), Lanes::broadcast(0),
                            exp_in_range(clamped));
}

/// 2^x for x ≤ 0, relative error < 3e-6; 1e-38 instead of what is smaller; exactly 1 for 0; NaN
/// stays NaN. x = n + r with |r| ≤ 1/2; 2^r = 1 + r·p(r), p a minimax polynomial of degree 3.
[[gnu::always_inline]] inline Lanes exp2_of_negative(Lanes x) {
  const Lanes magic = Lanes::broadcast(12582912.0F);
  const Lanes bounded = Lanes::max(Lanes::broadcast(-126.0F), x);
  const Lanes shifted = Lanes::add(bounded, magic);
  const Lanes r = Lanes::sub(bounded, Lanes::sub(shifted, magic));
  Lanes p = Lanes::broadcast(0.00958285294F);
  p = Lanes::fma(p, r, Lanes::broadcast(0.0559064262F));
  p = Lanes::fma(p, r, Lanes::broadcast(0.240240991F));
  p = Lanes::fma(p, r, Lanes::broadcast(0.693124175F));
  p = Lanes::fma(p, r, Lanes::broadcast(1.0F));
  return Lanes::mul(p, Lanes::power_of_two(shifted));
}

/// x / (1 + e^-y): silu for y = x.
[[gnu::always_inline]] inline Lanes sigmoid_times(Lanes x, Lanes y) {
  const Lanes e = exp_lanes(Lanes::sub(Lanes::broadcast(0), y));
  return Lanes::div(x, Lanes::add(Lanes::broadcast(1.0F), e));
}

/// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))) = x · sigmoid(2 √(2/π) (x + 0.044715 x³)).
inline Lanes gelu_tanh(Lanes x) {
  const Lanes square = Lanes::mul(x, x);
  const Lanes slope =
      Lanes::fma(square, Lanes::broadcast(0.0713548162726F), Lanes::broadcast(1.5957691216F));
  return sigmoid_times(x, Lanes::mul(x, slope));
}

/// x Φ(x), Φ the normal distribution: max(x, 0) - |x| Φ(-|x|), where
/// Φ(-z) = e^(-z²/2) (b1 t + … + b5 t⁵), t = 1 / (1 + p z); error of Φ < 7.5e-8 (Abramowitz and
/// Stegun, 26.2.17, whose polynomial times the density these are).
inline Lanes gelu_erf(Lanes x) {
  const Lanes size = Lanes::abs(x);
  const Lanes one = Lanes::broadcast(1.0F);
  const Lanes t = Lanes::div(one, Lanes::fma(size, Lanes::broadcast(0.2316419F), one));
  Lanes p = Lanes::broadcast(0.5307027145F);
  p = Lanes::fma(p, t, Lanes::broadcast(-0.7265760135F));
  p = Lanes::fma(p, t, Lanes::broadcast(0.7107068705F));
  p = Lanes::fma(p, t, Lanes::broadcast(-0.142248368F));
  p = Lanes::fma(p, t, Lanes::broadcast(0.127414796F));
  const Lanes e = exp_lanes(Lanes::mul(Lanes::mul(x, x), Lanes::broadcast(-0.5F)));
  const Lanes tail = Lanes::mul(Lanes::mul(p, t), e);
  const Lanes zero = Lanes::broadcast(0);
  return Lanes::fma(Lanes::sub(zero, size), tail, Lanes::max(x, zero));
}

/// tanh x = 1 - 2 / (1 + e^2x); absolute error ≤ 2e-7.
inline Lanes tanh_lanes(Lanes x) {
  const Lanes one = Lanes::broadcast(1.0F);
  const Lanes e = exp_lanes(Lanes::add(x, x));
  return Lanes::sub(one, Lanes::div(Lanes::broadcast(2.0F), Lanes::add(one, e)));
}

/// Up to 16 floats, the rest filled up.
inline Lanes load_part(const float* p, int64_t count, float fill) {
  if (count >= 16) {
    return Lanes::load(p);
  }
  float values[16];
  for (int64_t i = 0; i < 16; ++i) {
    values[i] = i < count ? p[i] : fill;
  }
  return Lanes::load(values);
}

inline void store_part(float* p, int64_t count, Lanes x) {
  if (count >= 16) {
    Lanes::store(p, x);
    return;
  }
  float values[16];
  Lanes::store(values, x);
  for (int64_t i = 0; i < count; ++i) {
    p[i] = values[i];
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
