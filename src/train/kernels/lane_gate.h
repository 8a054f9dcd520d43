#pragma once

#include "train/kernels/lane_norm.h"

namespace cupel::train::kernels {
namespace {

/// An activation and its slope at one point.
struct Activated {
  Lanes value;
  Lanes slope;
};

/// 1 / (1 + e^-x).
inline Lanes sigmoid(Lanes x) {
  const Lanes e = exp_lanes(Lanes::sub(filled(0), x));
  return Lanes::div(filled(1), Lanes::add(filled(1), e));
}

/// x σ(x); σ + x σ (1 - σ).
inline Activated activated_silu(Lanes x) {
  const Lanes s = sigmoid(x);
  const Lanes value = Lanes::mul(x, s);
  return {value, Lanes::fma(value, Lanes::sub(filled(1), s), s)};
}

/// x σ(y) with y = 2 √(2/π) (x + 0.044715 x³): σ + x σ (1 - σ) y'.
inline Activated activated_gelu_tanh(Lanes x) {
  const Lanes square = Lanes::mul(x, x);
  const Lanes over_x = Lanes::fma(square, filled(0.0713548162726F), filled(1.5957691216F));
  const Lanes s = sigmoid(Lanes::mul(x, over_x));
  const Lanes value = Lanes::mul(x, s);
  const Lanes steep = Lanes::fma(square, filled(3 * 0.0713548162726F), filled(1.5957691216F));
  return {value, Lanes::fma(Lanes::mul(value, Lanes::sub(filled(1), s)), steep, s)};
}

/// x Φ(x); Φ + x φ. Φ(-|x|) = e^(-x²/2) (b1 t + … + b5 t⁵), t = 1 / (1 + p |x|), error < 7.5e-8
/// (Abramowitz and Stegun, 26.2.17, whose polynomial times the density these are).
inline Activated activated_gelu_erf(Lanes x) {
  const Lanes size = Lanes::abs(x);
  const Lanes t = Lanes::div(filled(1), Lanes::fma(size, filled(0.2316419F), filled(1)));
  Lanes p = filled(0.5307027145F);
  p = Lanes::fma(p, t, filled(-0.7265760135F));
  p = Lanes::fma(p, t, filled(0.7107068705F));
  p = Lanes::fma(p, t, filled(-0.142248368F));
  p = Lanes::fma(p, t, filled(0.127414796F));
  const Lanes e = exp_lanes(Lanes::mul(Lanes::mul(x, x), filled(-0.5F)));
  const Lanes tail = Lanes::mul(Lanes::mul(p, t), e);
  const Lanes phi = Lanes::select_less(x, filled(0), tail, Lanes::sub(filled(1), tail));
  const Lanes value = Lanes::fma(Lanes::sub(filled(0), size), tail, Lanes::max(x, filled(0)));
  return {value, Lanes::fma(Lanes::mul(x, e), filled(0.3989422804F), phi)};
}

template <typename Body>
inline void with_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::kSilu:
      body([](Lanes x) { return activated_silu(x); });
      return;
    case Activation::kGeluTanh:
      body([](Lanes x) { return activated_gelu_tanh(x); });
      return;
    case Activation::kGeluErf:
      body([](Lanes x) { return activated_gelu_erf(x); });
      return;
  }
}

inline void gate(const GateTask& task) {
  with_activation(task.activation, [&](auto activate) {
    for (int64_t row = task.begin; row < task.end; ++row) {
      const int64_t in = row * task.stride;
      for_each_piece(task.width, [&](int64_t i, int64_t count) {
        Lanes value = activate(load(task.gate, in + i, count)).value;
        if (task.up.data != nullptr) {
          value = Lanes::mul(value, load(task.up, in + i, count));
        }
        store(task.output, row * task.width + i, count, value);
      });
    }
  });
}

inline void gate_gradient(const GateGradientTask& task) {
  with_activation(task.activation, [&](auto activate) {
    for (int64_t row = task.begin; row < task.end; ++row) {
      const int64_t in = row * task.stride;
      for_each_piece(task.width, [&](int64_t i, int64_t count) {
        const Activated a = activate(load(task.gate, in + i, count));
        const Lanes g = load(task.of_output, row * task.width + i, count);
        Lanes of_gate = Lanes::mul(g, a.slope);
        if (task.up.data != nullptr) {
          of_gate = Lanes::mul(of_gate, load(task.up, in + i, count));
          store(task.of_up, in + i, count, Lanes::mul(g, a.value));
        }
        store(task.of_gate, in + i, count, of_gate);
      });
    }
  });
}

}  // namespace
}  // namespace cupel::train::kernels
