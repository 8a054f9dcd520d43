#include "report/axis.h"

#include <algorithm>
#include <cmath>

#include "report/numbers.h"

namespace cupel::report {
namespace {

constexpr double kMarginPercent = 2.0;

/// 1, 2, 2.5 or 5 times a power of ten: the smallest that is not below `raw`.
double round_step(double raw) {
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) {
      return factor * power;
    }
  }
  return 10 * power;
}

int decimals_of(double step) {
  for (int decimals = 0; decimals < 9; ++decimals) {
    const double scaled = step * std::pow(10.0, decimals);
    if (std::abs(scaled - std::round(scaled)) < 1e-6) {
      return decimals;
    }
  }
  return 9;
}

}  // namespace

double Axis::percent(double value) const {
  const double span = high - low;
  const double share = span > 0 ? std::clamp((value - low) / span, 0.0, 1.0) : 0.5;
  return kMarginPercent + (100.0 - 2 * kMarginPercent) * share;
}

Axis nice_axis(double low, double high, int count) {
  if (!std::isfinite(low) || !std::isfinite(high) || std::abs(low) > 1e15 ||
      std::abs(high) > 1e15) {
    low = 0;
    high = 1;
  }
  if (high - low <= 1e-9 * std::max(1.0, std::abs(low))) {
    const double room = std::max(0.05, std::abs(low) * 0.1);
    low -= room;
    high += room;
  }
  const double step = round_step((high - low) / std::max(1, count));
  Axis axis;
  axis.decimals = decimals_of(step);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  axis.low = first * step;
  axis.high = last * step;
  for (double tick = first; tick <= last; ++tick) {
    axis.ticks.push_back(tick * step);
  }
  return axis;
}

Axis tight_axis(double low, double high, int count) {
  Axis axis = nice_axis(low, high, count);
  const double quarter = (axis.ticks[1] - axis.ticks[0]) / 4;
  const double from = std::max(axis.low, std::floor(low / quarter) * quarter);
  const double to = std::min(axis.high, std::ceil(high / quarter) * quarter);
  const auto beyond = [&](double tick) {
    return tick < from - 1e-6 * quarter || tick > to + 1e-6 * quarter;
  };
  if (std::ranges::count_if(axis.ticks, beyond) + 2 >
          static_cast<std::ptrdiff_t>(axis.ticks.size()) ||
      !(from < to)) {
    return axis;
  }
  std::erase_if(axis.ticks, beyond);
  axis.low = from;
  axis.high = to;
  return axis;
}

Axis logarithmic_axis(double low, double high, int count) {
  const double from = std::log10(low);
  const double to = std::log10(high);
  const auto most = static_cast<size_t>(std::max(1, count) + 2);
  const double edge = 0.02 * (to - from);  // half a stroke
  Axis axis{.low = from - edge, .high = to + edge, .ticks = {}, .decimals = 0};
  for (const std::vector<double>& factors :
       {std::vector<double>{1, 1.5, 2, 3, 5, 7}, {1, 2, 5}, {1}}) {
    axis.ticks.clear();
    for (double power = std::floor(from); power <= to; ++power) {
      for (const double factor : factors) {
        const double tick = power + std::log10(factor);
        if (tick >= axis.low && tick <= axis.high) {
          axis.ticks.push_back(tick);
        }
      }
    }
    if (axis.ticks.size() <= most) {
      break;
    }
  }
  if (axis.ticks.size() < 2) {
    return tight_axis(from, to, count);
  }
  const size_t stride = (axis.ticks.size() + most - 1) / most;
  for (size_t i = 0; i * stride < axis.ticks.size(); ++i) {
    axis.ticks[i] = axis.ticks[i * stride];
  }
  axis.ticks.resize((axis.ticks.size() + stride - 1) / stride);
  return axis;
}

Axis clipped_axis(Axis axis, double low, double high) {
  const bool cut_low = axis.low < low;
  const bool cut_high = axis.high > high;
  if (!(low < high) || axis.ticks.size() < 2 || !(cut_low || cut_high) || axis.high <= low ||
      axis.low >= high) {
    return axis;
  }
  const double room = (axis.ticks[1] - axis.ticks[0]) * (0.5 - 1e-9);
  std::erase_if(axis.ticks, [&](double tick) {
    return (cut_low && tick < low + room) || (cut_high && tick > high - room);
  });
  if (cut_low) {
    axis.low = low;
    axis.ticks.insert(axis.ticks.begin(), low);
    axis.decimals = std::max(axis.decimals, decimals_of(low));
  }
  if (cut_high) {
    axis.high = high;
    axis.ticks.push_back(high);
    axis.decimals = std::max(axis.decimals, decimals_of(high));
  }
  return axis;
}

std::string percent_attribute(double percent) {
  return short_text(percent, 3) + "%";
}

}  // namespace cupel::report
