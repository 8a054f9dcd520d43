#pragma once

#include "train/kernels/lane_values.h"

namespace cupel::train::kernels {
namespace {

/// Calls body(place in the row, count) for pieces of sixteen.
template <typename Body>
[[gnu::always_inline]] inline void for_each_piece(int64_t width, const Body& body) {
  for (int64_t i = 0; i < width; i += 16) {
    body(i, width - i);
  }
}

inline void norm(const NormTask& task) {
  const int64_t width = task.width;
  const auto numbers = static_cast<float>(width);
  const Values source =
      task.addend.data == nullptr ? task.x : Values{task.sum.data, task.sum.number};
  for (int64_t row = task.begin; row < task.end; ++row) {
    const int64_t first = row * width;
    if (task.addend.data != nullptr) {
      for_each_piece(width, [&](int64_t i, int64_t count) {
        store(task.sum, first + i, count,
              Lanes::add(load(task.x, first + i, count), load(task.addend, first + i, count)));
      });
    }
    float mean = 0;
    if (task.center) {
      Lanes sum = filled(0);
      for_each_piece(width, [&](int64_t i, int64_t count) {
        sum = Lanes::add(sum, load(source, first + i, count));
      });
      mean = Lanes::reduce_add(sum) / numbers;
      task.means[row] = mean;
    }
    const Lanes minus_mean = filled(-mean);
    Lanes squares = filled(0);
    for_each_piece(width, [&](int64_t i, int64_t count) {
      const Lanes x = Lanes::add(load(source, first + i, count, mean), minus_mean);
      squares = Lanes::fma(x, x, squares);
    });
    const float scale = 1.0F / Lanes::sqrt1(Lanes::reduce_add(squares) / numbers + task.epsilon);
    task.scales[row] = scale;
    for_each_piece(width, [&](int64_t i, int64_t count) {
      const Lanes x = Lanes::add(load(source, first + i, count), minus_mean);
      Lanes y = Lanes::mul(Lanes::mul(x, filled(scale)), load_part(task.weight + i, count, 0));
      if (task.bias != nullptr) {
        y = Lanes::add(y, load_part(task.bias + i, count, 0));
      }
      store(task.y, first + i, count, y);
    });
  }
}

inline void add_to(float* sums, int64_t count, Lanes x) {
  store_part(sums, count, Lanes::add(load_part(sums, count, 0), x));
}

inline void norm_gradient(const NormGradientTask& task) {
  const int64_t width = task.width;
  for (int64_t row = task.begin; row < task.end; ++row) {
    const int64_t first = row * width;
    const float mean = task.center ? task.means[row] : 0;
    const Lanes minus_mean = filled(-mean);
    const Lanes scale = filled(task.scales[row]);
    Lanes products = filled(0);
    Lanes sums = filled(0);
    const auto normed = [&](int64_t i, int64_t count) {
      return Lanes::mul(Lanes::add(load(task.x, first + i, count, mean), minus_mean), scale);
    };
    for_each_piece(width, [&](int64_t i, int64_t count) {
      const Lanes g = load(task.of_y, first + i, count);
      const Lanes y = normed(i, count);
      const Lanes h = Lanes::mul(g, load_part(task.weight + i, count, 0));
      products = Lanes::fma(h, y, products);
      sums = Lanes::add(sums, h);
      if (task.of_weight != nullptr) {
        add_to(task.of_weight + i, count, Lanes::mul(g, y));
      }
      if (task.of_bias != nullptr) {
        add_to(task.of_bias + i, count, g);
      }
    });
    if (task.of_x.data == nullptr) {
      continue;
    }
    const auto numbers = static_cast<float>(width);
    const Lanes slope = filled(-Lanes::reduce_add(products) / numbers);
    const Lanes shift = filled(task.center ? -Lanes::reduce_add(sums) / numbers : 0);
    for_each_piece(width, [&](int64_t i, int64_t count) {
      const Lanes g = load(task.of_y, first + i, count);
      const Lanes h = Lanes::mul(g, load_part(task.weight + i, count, 0));
      const Lanes inner = Lanes::add(Lanes::fma(normed(i, count), slope, h), shift);
      Lanes of_x = Lanes::mul(inner, scale);
      if (task.of_sum.data != nullptr) {
        of_x = Lanes::add(of_x, load(task.of_sum, first + i, count));
      }
      store(task.of_x, first + i, count, of_x);
      if (task.of_addend.data != nullptr) {
        store(task.of_addend, first + i, count, of_x);
      }
    });
  }
}

}  // namespace
}  // namespace cupel::train::kernels
