#pragma once

#include <cstring>

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/lane_math.h"

namespace cupel::engine::kernels {
namespace {

// Attention over the paged cache, online softmax per chunk of kPageRows logical positions
// (chunk c holds positions 64c … 64c + 63):
//   s_j = scale·q · k_j     one accumulator, ascending coordinates
//   m' = max(m, max s); p_j = e^(s_j - m'); l = l·e^(m - m') + Σ p; o = o·e^(m - m') + Σ p_j v_j
// with Σ p in 16 lanes and Σ p v over ascending positions. A "row" is one (query, head) pair; rows
// that share pages are computed together, which changes no operation of any of them.

constexpr int kChunk = static_cast<int>(kPageRows);
constexpr int kTileRows = 48;     // rows of one pass over the cache
constexpr int kMicroRows = 4;     // rows that share a loaded register of keys or values
constexpr int kConvertRows = 12;  // from here on a chunk is converted to f32 once

struct AttentionRow {
  float* query;   // [H], scaled
  float* sum;     // [H], unnormalised output
  float* output;  // [H]
  float* scores;  // [kChunk]
  int64_t first;
  int64_t length;
  float max;
  float total;
  int lo;  // positions of the current chunk that it attends to: [lo, hi)
  int hi;
};

struct Tile {
  AttentionRow rows[kTileRows];
  int count;
  float* scratch_keys;    // [H, kChunk] f32
  float* scratch_values;  // [kChunk, H] f32
};

inline Lanes load_any(const float* p) {
  return Lanes::load(p);
}
inline Lanes load_any(const uint16_t* p) {
  return Lanes::load_half(p);
}
inline Lanes load_any_part(const float* p, int64_t count) {
  return load_part(p, count, 0);
}
inline Lanes load_any_part(const uint16_t* p, int64_t count) {
  uint16_t values[16] = {};
  memcpy(values, p, static_cast<size_t>(count) * 2);
  return Lanes::load_half(values);
}

/// Scores of `rows` rows against keys [16 block, 16 block + 16).
template <int rows, class T>
inline void score_block(AttentionRow* row, const T* keys, int block, int64_t width) {
  Lanes acc[rows];
  for (int r = 0; r < rows; ++r) {
    acc[r] = Lanes::broadcast(0);
  }
  for (int64_t i = 0; i < width; ++i) {
    const Lanes key = load_any(keys + i * kChunk + 16 * block);
    for (int r = 0; r < rows; ++r) {
      acc[r] = Lanes::fma(Lanes::broadcast(row[r].query[i]), key, acc[r]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    Lanes::store(row[r].scores + 16 * block, acc[r]);
  }
}

/// sum += Σ_{lo ≤ j < hi} p_j v_j for `rows` rows.
template <int rows, class T>
inline void add_values(AttentionRow* row, const T* values, int64_t width, int lo, int hi) {
  if (lo >= hi) {
    return;
  }
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    Lanes acc[rows];
    for (int r = 0; r < rows; ++r) {
      acc[r] = Lanes::load(row[r].sum + i);
    }
    for (int j = lo; j < hi; ++j) {
      const Lanes value = load_any(values + j * width + i);
      for (int r = 0; r < rows; ++r) {
        acc[r] = Lanes::fma(Lanes::broadcast(row[r].scores[j]), value, acc[r]);
      }
    }
    for (int r = 0; r < rows; ++r) {
      Lanes::store(row[r].sum + i, acc[r]);
    }
  }
  if (i == width) {
    return;
  }
  for (int r = 0; r < rows; ++r) {
    Lanes acc = load_part(row[r].sum + i, width - i, 0);
    for (int j = lo; j < hi; ++j) {
      const Lanes value = load_any_part(values + j * width + i, width - i);
      acc = Lanes::fma(Lanes::broadcast(row[r].scores[j]), value, acc);
    }
    store_part(row[r].sum + i, width - i, acc);
  }
}

inline void softcap_scores(float* scores, int begin, int end, float softcap) {
  const Lanes cap = Lanes::broadcast(softcap);
  for (int j = begin; j < end; j += 16) {
    const Lanes x = Lanes::div(Lanes::load(scores + j), cap);
    Lanes::store(scores + j, Lanes::mul(cap, tanh_lanes(x)));
  }
}

/// Turns the row's scores of this chunk into p and rescales what it has summed so far.
inline void soften(AttentionRow& row, int64_t width, float softcap) {
  const int begin = row.lo / 16 * 16;
  const int end = (row.hi + 15) / 16 * 16;
  if (softcap > 0) {
    softcap_scores(row.scores, begin, end, softcap);
  }
  for (int j = begin; j < row.lo; ++j) {
    row.scores[j] = -__builtin_inff();
  }
  for (int j = row.hi; j < end; ++j) {
    row.scores[j] = -__builtin_inff();
  }
  Lanes top = Lanes::broadcast(row.max);
  for (int j = begin; j < end; j += 16) {
    top = Lanes::max(top, Lanes::load(row.scores + j));
  }
  const float max = Lanes::reduce_max(top);
  const Lanes shift = Lanes::broadcast(-max);
  const Lanes decay = exp_lanes(Lanes::add(Lanes::broadcast(row.max), shift));
  Lanes sum = Lanes::broadcast(0);
  for (int j = begin; j < end; j += 16) {
    const Lanes p = exp_lanes(Lanes::add(Lanes::load(row.scores + j), shift));
    Lanes::store(row.scores + j, p);
    sum = Lanes::add(sum, p);
  }
  float factor[16];
  Lanes::store(factor, decay);
  row.total = Lanes::fma1(row.total, factor[0], Lanes::reduce_add(sum));
  if (max != row.max) {  // else the factor is exactly 1
    for (int64_t i = 0; i < width; i += 16) {
      store_part(row.sum + i, width - i, Lanes::mul(load_part(row.sum + i, width - i, 0), decay));
    }
  }
  row.max = max;
}

/// The rows' common positions together, the ragged ends row by row: each row sees exactly its own
/// positions, in ascending order.
template <int rows, class T>
inline void add_values_ragged(AttentionRow* row, const T* values, int64_t width) {
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

template <int rows, class T>
inline void attend_rows(
    AttentionRow* row, const T* keys, const T* values, int64_t width, float softcap) {
  int lo = kChunk;
  int hi = 0;
  for (int r = 0; r < rows; ++r) {
    if (row[r].lo < row[r].hi) {
      lo = row[r].lo < lo ? row[r].lo : lo;
      hi = row[r].hi > hi ? row[r].hi : hi;
    }
  }
  for (int block = lo / 16; 16 * block < hi; ++block) {
    score_block<rows>(row, keys, block, width);
  }
  for (int r = 0; r < rows; ++r) {
    if (row[r].lo < row[r].hi) {
      soften(row[r], width, softcap);
    }
  }
  add_values_ragged<rows>(row, values, width);
}

template <class T>
inline void attend_chunk(Tile& tile, const T* keys, const T* values, const AttentionShape& shape) {
  const int64_t width = shape.head_dim;
  int r = 0;
  for (; r + kMicroRows <= tile.count; r += kMicroRows) {
    attend_rows<kMicroRows>(tile.rows + r, keys, values, width, shape.softcap);
  }
  if (tile.count - r == 3) {
    attend_rows<3>(tile.rows + r, keys, values, width, shape.softcap);
  } else if (tile.count - r == 2) {
    attend_rows<2>(tile.rows + r, keys, values, width, shape.softcap);
  } else if (tile.count - r == 1) {
    attend_rows<1>(tile.rows + r, keys, values, width, shape.softcap);
  }
}

inline void widen(const uint16_t* from, float* to, int64_t count) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    Lanes::store(to + i, Lanes::load_half(from + i));
  }
  if (i < count) {
    store_part(to + i, count - i, load_any_part(from + i, count - i));
  }
}

/// Collects the positions [begin, begin + kChunk) of a tree row into the tile's scratch as a chunk.
template <class T>
inline void gather_chunk(Tile& tile,
                         const AttentionQuery& query,
                         const AttentionShape& shape,
                         int64_t kv_head,
                         int64_t begin) {
  const int64_t width = shape.head_dim;
  auto* keys = reinterpret_cast<T*>(tile.scratch_keys);
  auto* values = reinterpret_cast<T*>(tile.scratch_values);
  const int64_t from = query.first > begin ? query.first : begin;
  const int64_t to = query.length < begin + kChunk ? query.length : begin + kChunk;
  memset(keys, 0, static_cast<size_t>(width * kChunk) * sizeof(T));
  for (int64_t p = from; p < to; ++p) {
    const int64_t slot = p >= query.slots_begin ? query.slots[p - query.slots_begin] : p;
    const KvPage& page = query.pages[slot / kPageRows];
    const int64_t offset = slot % kPageRows;
    const T* key = static_cast<const T*>(page.keys) + kv_head * width * kPageRows + offset;
    for (int64_t i = 0; i < width; ++i) {
      keys[i * kChunk + (p - begin)] = key[i * kPageRows];
    }
    memcpy(values + (p - begin) * width,
           static_cast<const T*>(page.values) + (kv_head * kPageRows + offset) * width,
           static_cast<size_t>(width) * sizeof(T));
  }
}

template <class T>
inline void attend_position_chunk(Tile& tile,
                                  const AttentionQuery& query,
                                  const AttentionShape& shape,
                                  int64_t kv_head,
                                  int64_t begin) {
  const int64_t width = shape.head_dim;
  if (query.slots != nullptr && begin + kChunk > query.slots_begin) {
    gather_chunk<T>(tile, query, shape, kv_head, begin);
    attend_chunk(tile, reinterpret_cast<const T*>(tile.scratch_keys),
                 reinterpret_cast<const T*>(tile.scratch_values), shape);
    return;
  }
  const KvPage& page = query.pages[begin / kPageRows];
  const T* keys = static_cast<const T*>(page.keys) + kv_head * width * kPageRows;
  const T* values = static_cast<const T*>(page.values) + kv_head * width * kPageRows;
  if constexpr (sizeof(T) == 2) {
    if (tile.count >= kConvertRows) {
      widen(keys, tile.scratch_keys, width * kChunk);
      widen(values, tile.scratch_values, width * kChunk);
      attend_chunk<float>(tile, tile.scratch_keys, tile.scratch_values, shape);
      return;
    }
  }
  attend_chunk(tile, keys, values, shape);
}

/// All chunks for the rows of a tile, then the outputs. T: the cache's element.
template <class T>
inline void attend_tile(Tile& tile,
                        const AttentionQuery& query,
                        const AttentionShape& shape,
                        int64_t kv_head) {
  int64_t first = tile.rows[0].first;
  int64_t length = 0;
  for (int r = 0; r < tile.count; ++r) {
    first = tile.rows[r].first < first ? tile.rows[r].first : first;
    length = tile.rows[r].length > length ? tile.rows[r].length : length;
  }
  for (int64_t begin = first / kChunk * kChunk; begin < length; begin += kChunk) {
    for (int r = 0; r < tile.count; ++r) {
      AttentionRow& row = tile.rows[r];
      const int64_t lo = row.first - begin;
      const int64_t hi = row.length - begin;
      row.lo = lo < 0 ? 0 : lo > kChunk ? kChunk : static_cast<int>(lo);
      row.hi = hi < 0 ? 0 : hi > kChunk ? kChunk : static_cast<int>(hi);
    }
    attend_position_chunk<T>(tile, query, shape, kv_head, begin);
  }
  const int64_t width = shape.head_dim;
  for (int r = 0; r < tile.count; ++r) {
    const AttentionRow& row = tile.rows[r];
    const Lanes inverse = Lanes::broadcast(1.0F / row.total);
    for (int64_t i = 0; i < width; i += 16) {
      store_part(row.output + i, width - i,
                 Lanes::mul(load_part(row.sum + i, width - i, 0), inverse));
    }
  }
}

/// Appends the query's heads [begin, end) (counted within the kv head) to the tile.
inline void add_rows(Tile& tile,
                     const AttentionTask& task,
                     const AttentionQuery& query,
                     int64_t begin,
                     int64_t end) {
  const int64_t width = task.shape.head_dim;
  const int64_t group = task.shape.heads / task.shape.kv_heads;
  const Lanes scale = Lanes::broadcast(task.shape.scale);
  for (int64_t head = begin; head < end; ++head) {
    AttentionRow& row = tile.rows[tile.count++];
    const int64_t offset = (task.kv_head * group + head) * width;
    for (int64_t i = 0; i < width; i += 16) {
      const Lanes part = load_part(query.query + offset + i, width - i, 0);
      store_part(row.query + i, width - i, Lanes::mul(part, scale));
      store_part(row.sum + i, width - i, Lanes::broadcast(0));
    }
    row.output = query.output + offset;
    row.first = query.first;
    row.length = query.length;
    row.max = -__builtin_inff();
    row.total = 0;
  }
}

inline Tile* make_tile(int64_t width) {
  const int64_t per_row = 2 * width + kChunk;
  const int64_t floats = kTileRows * per_row + 2 * width * kChunk;
  constexpr int64_t kHeader = (sizeof(Tile) + 63) / 64 * 64;
  auto* memory = static_cast<unsigned char*>(thread_scratch(0, kHeader + 4 * floats));
  auto* tile = reinterpret_cast<Tile*>(memory);
  auto* data = reinterpret_cast<float*>(memory + kHeader);
  for (int r = 0; r < kTileRows; ++r) {
    tile->rows[r].query = data + r * per_row;
    tile->rows[r].sum = data + r * per_row + width;
    tile->rows[r].scores = data + r * per_row + 2 * width;
  }
  tile->scratch_keys = data + kTileRows * per_row;
  tile->scratch_values = tile->scratch_keys + width * kChunk;
  tile->count = 0;
  return tile;
}

inline bool same_cache(const AttentionQuery& a, const AttentionQuery& b) {
  return a.pages == b.pages && a.slots == nullptr && b.slots == nullptr;
}

template <class T>
inline void attention_over(const AttentionTask& task) {
  const int64_t group = task.shape.heads / task.shape.kv_heads;
  Tile* tile = make_tile(task.shape.head_dim);
  for (int64_t i = 0; i < task.count; ++i) {
    const AttentionQuery& query = task.queries[i];
    for (int64_t head = 0; head < group;) {
      const int64_t room = kTileRows - tile->count;
      const int64_t end = head + (group - head < room ? group - head : room);
      add_rows(*tile, task, query, head, end);
      head = end;
      const bool last =
          head == group && (i + 1 == task.count || !same_cache(query, task.queries[i + 1]));
      if (tile->count == kTileRows || last) {
        attend_tile<T>(*tile, query, task.shape, task.kv_head);
        tile->count = 0;
      }
    }
  }
}

void attention(const AttentionTask& task) {
  if (task.shape.cache == CacheType::kFloat32) {
    attention_over<float>(task);
  } else {
    attention_over<uint16_t>(task);
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
