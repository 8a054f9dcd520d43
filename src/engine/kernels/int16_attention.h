#pragma once

#include "engine/kernels/attention_rows.h"

namespace cupel::engine::kernels {
namespace {

// Attention over the int16 cache: keys and values are k_j = a_j · K_j and v_j = b_j · V_j with
// integer vectors and a scale per position and head; the query is q = a · Q. Per chunk
//   s_j = ((Q · K_j) · a_j) · (a / ln 2)            the sum is an exact integer
//   m' = max(m, max s); p_j = 2^(s_j - m'); l = l·2^(m - m') + Σ p, in 16 lanes
//   P_j = round(p_j · b_j · kWeightLevels / top)    top = 2^(max s - m') · max b_j
//   o = o·2^(m - m') + (Σ P_j V_j) · top / kWeightLevels    the sum is an exact integer
// (top / kWeightLevels as a product with 1 / kWeightLevels), max s and max b_j over the positions
// that the row attends to. s_j - m' is one fused step; with a soft cap s_j is rounded before.

/// Largest |Q| and |K| of a head: H · levels² < 2³¹.
inline int key_levels(int64_t head_dim) {
  int levels = 4096;
  while (levels * static_cast<int64_t>(levels) * head_dim > INT32_MAX) {
    levels = levels * 15 / 16;
  }
  return levels;
}
constexpr float kLog2E = 1.44269504F;
constexpr float kLn2 = 0.693147181F;
// 64 positions: 64 · 8191 · 4095 < 2³¹.
constexpr int kWeightLevels = 8191;
constexpr int kValueLevels = 4095;

/// out = round(x / scale) with |out| ≤ levels; returns the scale, NaN when x holds one.
inline float quantise_vector(const float* x, int64_t width, int levels, int16_t* out) {
  Lanes top = Lanes::broadcast(0);
  Lanes squares = Lanes::broadcast(0);
  for (int64_t i = 0; i < width; i += 16) {
    const Lanes part = load_part(x + i, width - i, 0);
    top = Lanes::max(top, Lanes::abs(part));
    squares = Lanes::fma(part, part, squares);
  }
  const float amax = Lanes::reduce_max(top);
  const float check = Lanes::reduce_add(squares);
  const bool zero = amax < 1e-30F;
  const auto most = static_cast<float>(levels);
  const Lanes inverse = Lanes::broadcast(zero ? 0.0F : most / amax);
  for (int64_t i = 0; i < width; i += 16) {
    const Lanes part = Lanes::mul(load_part(x + i, width - i, 0), inverse);
    // min/max also turn NaN into a number, so that the conversion is defined.
    const Lanes q = Lanes::max(Lanes::min(part, Lanes::broadcast(most)), Lanes::broadcast(-most));
    int16_t codes[16];
    Lanes::store_int16(codes, q);
    memcpy(out + i, codes, sizeof(int16_t) * static_cast<size_t>(width - i < 16 ? width - i : 16));
  }
  return check != check ? check : zero ? 0.0F : amax / most;
}

struct Int16Cache {
  using Layout = Int16CacheLayout;
  // 32 vector registers hold the scores of four rows and 64 positions at once.
  static constexpr int kBlocks = Lanes::kWide ? 4 : 1;
  static constexpr int kSoftRows = 16;  // the lanes

  static void prepare(AttentionRow& row, const float* query, const AttentionShape& shape) {
    const float scale = quantise_vector(query, shape.head_dim, key_levels(shape.head_dim),
                                        static_cast<int16_t*>(row.query));
    // A query of zeros: its scores are 0 with any scale, and -infinity stays what it is with this.
    const float used = scale == 0 ? 1.0F : scale;
    row.query_scale = used * shape.scale * (shape.softcap > 0 ? 1.0F : kLog2E);
  }

  static float rescale(float from, float to) {
    return Lanes::first(exp_lanes(Lanes::broadcast((from - to) * kLn2)));
  }

  /// (Q · K) · a of `rows` rows and `blocks` blocks of 16 positions.
  template <int rows, int blocks>
  static void score(AttentionRow* row, const HeadCache& chunk, int first, int64_t head_dim) {
    const auto* keys = static_cast<const int16_t*>(chunk.keys);
    IntLanes acc[rows][blocks];
#pragma GCC unroll 16
    for (int i = 0; i < rows * blocks; ++i) {
      acc[i / blocks][i % blocks] = IntLanes::zero();
    }
    for (int64_t pair = 0; pair < head_dim / 2; ++pair) {
      IntLanes key[blocks];
#pragma GCC unroll 4
      for (int b = 0; b < blocks; ++b) {
        key[b] = IntLanes::load(keys + 2 * (pair * kChunk + 16 * (first + b)));
      }
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        const auto q =
            IntLanes::broadcast_pair(static_cast<const int16_t*>(row[r].query) + 2 * pair);
#pragma GCC unroll 4
        for (int b = 0; b < blocks; ++b) {
          acc[r][b] = IntLanes::dot(acc[r][b], key[b], q);
        }
      }
    }
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) {
      const Lanes scale = Lanes::load(chunk.key_scales + 16 * (first + b));
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        Lanes::store(row[r].scores + 16 * (first + b),
                     Lanes::mul(IntLanes::to_float(acc[r][b]), scale));
      }
    }
  }

  /// Applies a soft cap, which ends with the query's scale applied.
  static void cap_scores(AttentionRow& row, float softcap) {
    const Lanes scale = Lanes::broadcast(row.query_scale);
    for (int j = row.begin(); j < row.end(); j += 16) {
      Lanes::store(row.scores + j, Lanes::mul(Lanes::load(row.scores + j), scale));
    }
    softcap_scores(row.scores, row.begin(), row.end(), softcap);
    const Lanes to_base_2 = Lanes::broadcast(kLog2E);
    for (int j = row.begin(); j < row.end(); j += 16) {
      Lanes::store(row.scores + j, Lanes::mul(Lanes::load(row.scores + j), to_base_2));
    }
  }

  /// Weights of the chunk and what they and the earlier sums are scaled by, of up to kSoftRows
  /// rows. Row r is lane r, since the chain of dependent steps from the scores to the weights is
  /// long.
  static void soften(
      AttentionRow* row, int rows, const HeadCache& chunk, float full_top, float softcap) {
    float tops[16] = {};
    float before[16] = {};
    float value_tops[16] = {};
    for (int r = 0; r < rows; ++r) {
      if (row[r].attends()) {
        if (softcap > 0) {
          cap_scores(row[r], softcap);
        }
        hide_outside(row[r]);
        tops[r] = largest_score(row[r]) * score_scale(row[r], softcap);
        before[r] = row[r].max;
        const bool full = row[r].lo == 0 && row[r].hi == kChunk;
        value_tops[r] = full ? full_top : largest_scale(row[r], chunk);
      }
    }
    const Lanes top = Lanes::load(tops);
    const Lanes earlier = Lanes::load(before);
    const Lanes max = Lanes::max(top, earlier);
    const Lanes ln2 = Lanes::broadcast(kLn2);
    const Lanes decay = exp_lanes(Lanes::mul(Lanes::sub(earlier, max), ln2));
    const Lanes peak = exp_lanes(Lanes::mul(Lanes::sub(top, max), ln2));
    const Lanes largest = Lanes::mul(peak, Lanes::load(value_tops));
    const Lanes levels = Lanes::broadcast(static_cast<float>(kWeightLevels));
    float maxima[16];
    float decays[16];
    float scales[16];
    float factors[16];
    Lanes::store(maxima, max);
    Lanes::store(decays, decay);
    Lanes::store(scales, Lanes::mul(largest, Lanes::broadcast(1.0F / kWeightLevels)));
    Lanes::store(factors, Lanes::div(levels, largest));
    for (int r = 0; r < rows; ++r) {
      if (!row[r].attends()) {
        memset(row[r].weights, 0, sizeof(int16_t) * kChunk);
        continue;
      }
      row[r].max = maxima[r];
      row[r].decay = decays[r];
      row[r].weight_scale = scales[r];
      weigh(row[r], chunk, score_scale(row[r], softcap), factors[r]);
    }
  }

  static float score_scale(const AttentionRow& row, float softcap) {
    return softcap > 0 ? 1.0F : row.query_scale;
  }

  /// Of the values that the row attends to; NaN where one of them held a NaN.
  static float largest_scale(const AttentionRow& row, const HeadCache& chunk) {
    float largest = 0;
    float check = 0;
    for (int j = row.lo; j < row.hi; ++j) {
      largest = chunk.value_scales[j] > largest ? chunk.value_scales[j] : largest;
      check += chunk.value_scales[j];
    }
    return check != check ? check : largest;
  }

  /// The weights, 0 outside [lo, hi), and the total.
  static void weigh(AttentionRow& row, const HeadCache& chunk, float score_scale, float factor) {
    const Lanes scale = Lanes::broadcast(score_scale);
    const Lanes shift = Lanes::broadcast(-row.max);
    const Lanes most = Lanes::broadcast(static_cast<float>(kWeightLevels));
    const Lanes to_weight = Lanes::broadcast(factor);
    Lanes sum = Lanes::broadcast(0);
    for (int j = row.begin(); j < row.end(); j += 16) {
      const Lanes p = exp2_of_negative(Lanes::fma(Lanes::load(row.scores + j), scale, shift));
      sum = Lanes::add(sum, p);
      const Lanes scaled =
          Lanes::mul(Lanes::mul(p, Lanes::load(chunk.value_scales + j)), to_weight);
      Lanes::store_int16(row.weights + j,
                         Lanes::max(Lanes::min(scaled, most), Lanes::broadcast(0)));
    }
    row.total = Lanes::fma1(row.total, row.decay, Lanes::reduce_add(sum));
    // What lies there was scaled by whatever stood beside it.
    for (int j = 0; j < row.lo; ++j) {
      row.weights[j] = 0;
    }
    for (int j = row.hi; j < kChunk; ++j) {
      row.weights[j] = 0;
    }
  }

  /// Coordinates [i, i + 16 · vectors) of the sums of `rows` rows.
  template <int rows, int vectors>
  static void add_values(
      AttentionRow* row, const int16_t* values, int64_t width, int64_t i, Span span) {
    IntLanes acc[rows][vectors];
#pragma GCC unroll 16
    for (int k = 0; k < rows * vectors; ++k) {
      acc[k / vectors][k % vectors] = IntLanes::zero();
    }
    for (int pair = span.lo / 2; 2 * pair < span.hi; ++pair) {
      IntLanes value[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        value[v] = IntLanes::load(values + 2 * (pair * width + i + 16 * v));
      }
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        const IntLanes p = IntLanes::broadcast_pair(row[r].weights + 2 * pair);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) {
          acc[r][v] = IntLanes::dot(acc[r][v], value[v], p);
        }
      }
    }
    for (int r = 0; r < rows; ++r) {
      if (!row[r].attends()) {
        continue;
      }
      const Lanes scale = Lanes::broadcast(row[r].weight_scale);
      const Lanes decay = Lanes::broadcast(row[r].decay);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        float* sum = row[r].sum + i + 16 * v;
        const Lanes before = Lanes::mul(Lanes::load(sum), decay);
        Lanes::store(sum, Lanes::fma(IntLanes::to_float(acc[r][v]), scale, before));
      }
    }
  }

  struct Score {
    const HeadCache& chunk;
    int64_t head_dim;

    template <int n>
    void rows(AttentionRow* row) const {
      const Span span = union_of(row, n);
      int block = span.lo / 16;
      if (kBlocks == 4 && span.hi > 32 && block < 2) {
        score<n, kBlocks>(row, chunk, 0, head_dim);
      } else {
        for (; 16 * block < span.hi; ++block) {
          score<n, 1>(row, chunk, block, head_dim);
        }
      }
    }
  };

  struct AddValues {
    const HeadCache& chunk;
    int64_t head_dim;

    template <int n>
    void rows(AttentionRow* row) const {
      const Span span = union_of(row, n);
      if (span.lo >= span.hi) {
        return;
      }
      const auto* values = static_cast<const int16_t*>(chunk.values);
      const int64_t width = Layout::value_width(head_dim);
      int64_t i = 0;
      for (; i + 16 * kBlocks <= width; i += 16 * kBlocks) {
        add_values<n, kBlocks>(row, values, width, i, span);
      }
      for (; i < width; i += 16) {
        add_values<n, 1>(row, values, width, i, span);
      }
    }
  };

  static void attend_chunk(Tile& tile, const HeadCache& chunk, const AttentionShape& shape) {
    Lanes top = Lanes::broadcast(0);
    Lanes sum = Lanes::broadcast(0);  // the largest overlooks most NaN
    for (int j = 0; j < kChunk; j += 16) {
      const Lanes scales = Lanes::load(chunk.value_scales + j);
      top = Lanes::max(top, scales);
      sum = Lanes::add(sum, scales);
    }
    const float check = Lanes::reduce_add(sum);
    const float full_top = check != check ? check : Lanes::reduce_max(top);
    for (int r = 0; r < tile.count; r += kSoftRows) {
      AttentionRow* rows = tile.rows + r;
      const int count = tile.count - r < kSoftRows ? tile.count - r : kSoftRows;
      for_micro_rows(rows, count, Score{chunk, shape.head_dim});
      soften(rows, count, chunk, full_top, shape.softcap);
      for_micro_rows(rows, count, AddValues{chunk, shape.head_dim});
    }
  }
};

}  // namespace
}  // namespace cupel::engine::kernels
