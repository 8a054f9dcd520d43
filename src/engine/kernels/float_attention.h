#pragma once

#include "engine/kernels/attention_rows.h"

namespace cupel::engine::kernels {
namespace {

// Attention over the f32 cache of the exact mode:
//   s_j = scale·q · k_j     one accumulator, ascending coordinates
//   m' = max(m, max s); p_j = e^(s_j - m'); l = l·e^(m - m') + Σ p; o = o·e^(m - m') + Σ p_j v_j
// with Σ p in 16 lanes and Σ p v over ascending positions.
struct FloatCache {
  using Layout = FloatCacheLayout;

  static void prepare(AttentionRow& row, const float* query, const AttentionShape& shape) {
    const Lanes scale = Lanes::broadcast(shape.scale);
    auto* scaled = static_cast<float*>(row.query);
    for (int64_t i = 0; i < shape.head_dim; i += 16) {
      const Lanes part = load_part(query + i, shape.head_dim - i, 0);
      store_part(scaled + i, shape.head_dim - i, Lanes::mul(part, scale));
    }
  }

  static float rescale(float from, float to) {
    return Lanes::first(exp_lanes(Lanes::broadcast(from - to)));
  }

  /// Scores of `rows` rows against keys [16 block, 16 block + 16).
  template <int rows>
  static void score_block(AttentionRow* row, const float* keys, int block, int64_t width) {
    Lanes acc[rows];
    for (int r = 0; r < rows; ++r) {
      acc[r] = Lanes::broadcast(0);
    }
    for (int64_t i = 0; i < width; ++i) {
      const Lanes key = Lanes::load(keys + i * kChunk + 16 * block);
      for (int r = 0; r < rows; ++r) {
        const float coordinate = static_cast<const float*>(row[r].query)[i];
        acc[r] = Lanes::fma(Lanes::broadcast(coordinate), key, acc[r]);
      }
    }
    for (int r = 0; r < rows; ++r) {
      Lanes::store(row[r].scores + 16 * block, acc[r]);
    }
  }

  /// Turns the row's scores of this chunk into p and rescales what it has summed so far.
  static void soften(AttentionRow& row, int64_t width, float softcap) {
    if (softcap > 0) {
      softcap_scores(row.scores, row.begin(), row.end(), softcap);
    }
    hide_outside(row);
    const float top = largest_score(row);
    const float max = top > row.max ? top : row.max;
    const Lanes shift = Lanes::broadcast(-max);
    const Lanes decay = exp_lanes(Lanes::add(Lanes::broadcast(row.max), shift));
    Lanes sum = Lanes::broadcast(0);
    for (int j = row.begin(); j < row.end(); j += 16) {
      const Lanes p = exp_lanes(Lanes::add(Lanes::load(row.scores + j), shift));
      Lanes::store(row.scores + j, p);
      sum = Lanes::add(sum, p);
    }
    row.total = Lanes::fma1(row.total, Lanes::first(decay), Lanes::reduce_add(sum));
    if (max != row.max) {  // else the factor is exactly 1
      for (int64_t i = 0; i < width; i += 16) {
        Lanes::store(row.sum + i, Lanes::mul(Lanes::load(row.sum + i), decay));
      }
    }
    row.max = max;
  }

  /// sum += Σ_{lo ≤ j < hi} p_j v_j for `rows` rows.
  template <int rows>
  static void add_values(AttentionRow* row, const float* values, int64_t width, int lo, int hi) {
    for (int64_t i = 0; i < width && lo < hi; i += 16) {
      Lanes acc[rows];
      for (int r = 0; r < rows; ++r) {
        acc[r] = Lanes::load(row[r].sum + i);
      }
      for (int j = lo; j < hi; ++j) {
        const Lanes value = load_part(values + j * width + i, width - i, 0);
        for (int r = 0; r < rows; ++r) {
          acc[r] = Lanes::fma(Lanes::broadcast(row[r].scores[j]), value, acc[r]);
        }
      }
      for (int r = 0; r < rows; ++r) {
        Lanes::store(row[r].sum + i, acc[r]);
      }
    }
  }

  /// The rows' common positions together, the ragged ends row by row: each row sees exactly its own
  /// positions, in ascending order.
  template <int rows>
  static void add_values_ragged(AttentionRow* row, const float* values, int64_t width) {
    int lo = 0;
    int hi = kChunk;
    for (int r = 0; r < rows; ++r) {
      lo = row[r].lo > lo ? row[r].lo : lo;
      hi = row[r].hi < hi ? row[r].hi : hi;
    }
    if (lo >= hi) {
      for (int r = 0; r < rows; ++r) {
        add_values<1>(row + r, values, width, row[r].lo, row[r].hi);
      }
      return;
    }
    for (int r = 0; r < rows; ++r) {
      add_values<1>(row + r, values, width, row[r].lo, lo);
    }
    add_values<rows>(row, values, width, lo, hi);
    for (int r = 0; r < rows; ++r) {
      add_values<1>(row + r, values, width, hi, row[r].hi);
    }
  }

  struct Attend {
    const float* keys;
    const float* values;
    int64_t width;
    float softcap;

    template <int n>
    void rows(AttentionRow* row) const {
      const Span span = union_of(row, n);
      for (int block = span.lo / 16; 16 * block < span.hi; ++block) {
        score_block<n>(row, keys, block, width);
      }
      for (int r = 0; r < n; ++r) {
        if (row[r].attends()) {
          soften(row[r], width, softcap);
        }
      }
      add_values_ragged<n>(row, values, width);
    }
  };
  static void attend_chunk(Tile& tile, const HeadCache& chunk, const AttentionShape& shape) {
    for_micro_rows(tile.rows, tile.count,
                   Attend{static_cast<const float*>(chunk.keys),
                          static_cast<const float*>(chunk.values), shape.head_dim, shape.softcap});
  }
};

}  // namespace
}  // namespace cupel::engine::kernels
