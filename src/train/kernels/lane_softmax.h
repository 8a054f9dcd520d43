#pragma once

#include "train/kernels/lane_norm.h"

namespace cupel::train::kernels {
namespace {

/// The keys that a row sees: [begin, end), never none.
struct SeenKeys {
  int64_t begin;
  int64_t end;
};

inline SeenKeys seen_keys(const ScoreRows& rows, int64_t row) {
  const int64_t position = rows.first + row % rows.period / rows.rows_per_query;
  const int64_t end = position + 1 - rows.first_key;
  const int64_t begin = rows.window > 0 ? end - rows.window : 0;
  return {begin > 0 ? begin : 0, end < rows.keys ? end : rows.keys};
}

inline void clear(const Results& results, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += 16) {
    store(results, i, end - i, filled(0));
  }
}

/// Of a row that begins at `first`.
inline void clear_unseen(const Results& results,
                         const ScoreRows& rows,
                         int64_t first,
                         const SeenKeys& seen) {
  clear(results, first, first + seen.begin);
  clear(results, first + seen.end, first + rows.keys);
}

// Stands for keys behind the last one; e^kLowest is 0 whatever it is scaled by.
constexpr float kLowest = -3.0e38F;

inline void softmax(const SoftmaxTask& task) {
  const ScoreRows& rows = task.rows;
  const Lanes scale = filled(rows.scale);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t first = row * rows.keys;
    const SeenKeys seen = seen_keys(rows, row);
    const float* scores = task.scores + first;
    Lanes top = filled(kLowest);
    for (int64_t i = seen.begin; i < seen.end; i += 16) {
      const Lanes x = load_part(scores + i, seen.end - i, kLowest);
      top = Lanes::max(top, Lanes::mul(x, scale));
    }
    const float largest = Lanes::reduce_max(top);
    Lanes sum = filled(0);
    for (int64_t i = seen.begin; i < seen.end; i += 16) {
      const int64_t count = seen.end - i;
      const Lanes x = load_part(scores + i, count, kLowest);
      const Lanes e = exp_lanes(Lanes::sub(Lanes::mul(x, scale), filled(largest)));
      sum = Lanes::add(sum, e);
    }
    const float total = Lanes::reduce_add(sum);
    const Lanes inverse = filled(1.0F / total);
    for (int64_t i = seen.begin; i < seen.end; i += 16) {
      const int64_t count = seen.end - i;
      const Lanes x = load_part(scores + i, count, 0);
      const Lanes e = exp_lanes(Lanes::sub(Lanes::mul(x, scale), filled(largest)));
      store(task.weights, first + i, count, Lanes::mul(e, inverse));
    }
    clear_unseen(task.weights, rows, first, seen);
    task.log_sums[row] = largest + __builtin_logf(total);
  }
}

inline void softmax_gradient(const SoftmaxGradientTask& task) {
  const ScoreRows& rows = task.rows;
  const Lanes scale = filled(rows.scale);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t first = row * rows.keys;
    const SeenKeys seen = seen_keys(rows, row);
    const Lanes log_sum = filled(task.log_sums[row]);
    Lanes sum = filled(0);
    for (int64_t i = seen.begin; i < seen.end; i += 16) {
      const int64_t count = seen.end - i;
      const Lanes x = load_part(task.scores + first + i, count, 0);
      const Lanes weight = exp_lanes(Lanes::sub(Lanes::mul(x, scale), log_sum));
      const Lanes of_weight = load_part(task.of_weights + first + i, count, 0);
      sum = Lanes::fma(weight, of_weight, sum);
    }
    const Lanes mean = filled(Lanes::reduce_add(sum));
    for (int64_t i = seen.begin; i < seen.end; i += 16) {
      const int64_t count = seen.end - i;
      const Lanes x = load_part(task.scores + first + i, count, 0);
      const Lanes weight = exp_lanes(Lanes::sub(Lanes::mul(x, scale), log_sum));
      const Lanes of_weight = load_part(task.of_weights + first + i, count, 0);
      store(task.weights, first + i, count, weight);
      store(task.of_scores, first + i, count,
            Lanes::mul(Lanes::mul(weight, scale), Lanes::sub(of_weight, mean)));
    }
    clear_unseen(task.weights, rows, first, seen);
    clear_unseen(task.of_scores, rows, first, seen);
  }
}

}  // namespace
}  // namespace cupel::train::kernels
