#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "numeric/logistic.h"

namespace cupel::rank {

/// What a tie means to a model of pairs.
enum class TieModel {
  kHalfWin,   ///< half a win for each side; no parameter
  kDavidson,  ///< P(tie) ∝ ν·√(π_a·π_b); parameter θ = ln ν
  kRaoKupper  ///< a margin that a win must exceed; parameter θ = η > 0
};

// Places of outcomes in the arrays below.
inline constexpr size_t kLossPlace = 0;
inline constexpr size_t kTiePlace = 1;
inline constexpr size_t kWinPlace = 2;

/// −ln P of each outcome (loss, tie, win of a) at a difference δ = β_a − β_b (+ features) and a tie
/// parameter θ, with its first and second derivatives.
struct TiePoint {
  std::array<double, 3> value{};
  std::array<double, 3> d{};   ///< ∂/∂δ: the score
  std::array<double, 3> t{};   ///< ∂/∂θ
  std::array<double, 3> dd{};  ///< ∂²/∂δ²
  std::array<double, 3> dt{};  ///< ∂²/∂δ∂θ
  std::array<double, 3> tt{};  ///< ∂²/∂θ²
};

/// Bradley & Terry 1952: P(win) = σ(δ). A tie is the mean of a win and a loss.
struct HalfWin {
  static constexpr bool kHasParameter = false;
  static TiePoint at(double delta, double /*theta*/) {
    using numeric::sigmoid;
    const double p = sigmoid(delta);
    const double q = sigmoid(-delta);
    const double low = std::log1p(std::exp(-std::abs(delta)));
    const double win = low + std::max(-delta, 0.0);
    const double loss = low + std::max(delta, 0.0);
    const double curvature = p * q;
    return {.value = {loss, 0.5 * (win + loss), win},
            .d = {p, 0.5 * (p - q), -q},
            .t = {},
            .dd = {curvature, curvature, curvature},
            .dt = {},
            .tt = {}};
  }
};

/// Davidson 1970, equation 2.3: a multinomial logit with utilities −δ/2, θ = ln ν, δ/2.
struct Davidson {
  static constexpr bool kHasParameter = true;
  static TiePoint at(double delta, double theta) {
    const double top = std::max(0.5 * std::abs(delta), theta);
    const double loss = std::exp(-0.5 * delta - top);
    const double tie = std::exp(theta - top);
    const double win = std::exp(0.5 * delta - top);
    const double sum = loss + tie + win;
    const double log_sum = std::log(sum) + top;
    const double gap = (win - loss) / sum;
    const double p_tie = tie / sum;
    const double dd = 0.25 * ((win + loss) / sum - gap * gap);
    const double dt = -0.5 * p_tie * gap;
    const double tt = p_tie * (1 - p_tie);
    return {.value = {log_sum + 0.5 * delta, log_sum - theta, log_sum - 0.5 * delta},
            .d = {0.5 * gap + 0.5, 0.5 * gap, 0.5 * gap - 0.5},
            .t = {p_tie, p_tie - 1, p_tie},
            .dd = {dd, dd, dd},
            .dt = {dt, dt, dt},
            .tt = {tt, tt, tt}};
  }
};

/// Rao & Kupper 1967, equation 4, with θ = η = ln of their threshold: P(win) = σ(δ − η),
/// P(loss) = σ(−δ − η), P(tie) = (e^2η − 1)·P(win)·P(loss). Infinite for η ≤ 0 where there are
/// ties.
struct RaoKupper {
  static constexpr bool kHasParameter = true;
  static TiePoint at(double delta, double theta) {
    using numeric::log1p_exp;
    using numeric::sigmoid;
    const double q_win = sigmoid(theta - delta);   // 1 − P(win)
    const double q_loss = sigmoid(theta + delta);  // 1 − P(loss)
    const double c_win = q_win * sigmoid(delta - theta);
    const double c_loss = q_loss * sigmoid(-delta - theta);
    const double win = log1p_exp(theta - delta);
    const double loss = log1p_exp(theta + delta);
    const double grown = std::expm1(2 * theta);  // NaN below makes a step out of range refused
    const double ratio = 2 / -std::expm1(-2 * theta);
    const double bend = theta > 0 ? ratio * ratio * std::exp(-2 * theta) : 0.0;
    return {.value = {loss, win + loss - std::log(grown), win},
            .d = {q_loss, q_loss - q_win, -q_win},
            .t = {q_loss, q_win + q_loss - ratio, q_win},
            .dd = {c_loss, c_win + c_loss, c_win},
            .dt = {c_loss, c_loss - c_win, -c_win},
            .tt = {c_loss, c_win + c_loss + bend, c_win}};
  }
};

}  // namespace cupel::rank
