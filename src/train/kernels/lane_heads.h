#pragma once

#include "train/kernels/lane_norm.h"

namespace cupel::train::kernels {
namespace {

inline float load_one(const Values& values, int64_t place) {
  return values.number == Number::kFloat32
             ? static_cast<const float*>(values.data)[place]
             : widened(static_cast<const uint16_t*>(values.data)[place]);
}

inline void store_one(const Results& results, int64_t place, float x) {
  store(results, place, 1, filled(x));
}

inline void rotate_head(const HeadsTask& task, int64_t token, int64_t from, int64_t to) {
  const int64_t half = task.rotary_dim / 2;
  const float* cos = task.cos + token * half;
  const float* sin = task.sin + token * half;
  const float sign = task.back ? -1.0F : 1.0F;
  int64_t i = 0;
  if (!task.interleaved) {
    for (; i + 16 <= half; i += 16) {
      const Lanes x = load(task.from, from + i, 16);
      const Lanes y = load(task.from, from + half + i, 16);
      const Lanes c = Lanes::load(cos + i);
      const Lanes s = Lanes::mul(Lanes::load(sin + i), filled(sign));
      store(task.to, to + i, 16, Lanes::sub(Lanes::mul(x, c), Lanes::mul(y, s)));
      store(task.to, to + half + i, 16, Lanes::add(Lanes::mul(y, c), Lanes::mul(x, s)));
    }
  }
  for (; i < half; ++i) {
    const int64_t first = task.interleaved ? 2 * i : i;
    const int64_t second = task.interleaved ? 2 * i + 1 : half + i;
    const float x = load_one(task.from, from + first);
    const float y = load_one(task.from, from + second);
    const float s = sign * sin[i];
    store_one(task.to, to + first, x * cos[i] - y * s);
    store_one(task.to, to + second, y * cos[i] + x * s);
  }
}

inline void heads(const HeadsTask& task) {
  for (int64_t group = 0; group < task.groups; ++group) {
    for (int64_t token = task.begin; token < task.end; ++token) {
      for (int64_t head = 0; head < task.heads_per_group; ++head) {
        const int64_t from =
            token * task.from_places.token + group * task.from_places.group + head * task.width;
        const int64_t to =
            token * task.to_places.token + group * task.to_places.group + head * task.width;
        if (task.rotary_dim > 0) {
          rotate_head(task, token, from, to);
        }
        for (int64_t i = task.rotary_dim; i < task.width; i += 16) {
          const int64_t count = task.width - i;
          store(task.to, to + i, count, load(task.from, from + i, count));
        }
      }
    }
  }
}

}  // namespace
}  // namespace cupel::train::kernels
