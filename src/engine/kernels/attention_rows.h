#pragma once

#include <cstring>

#include "engine/kernels/cache_layout.h"
#include "engine/kernels/kernel_table.h"
#include "engine/kernels/lane_math.h"

namespace cupel::engine::kernels {
namespace {

// Attention over the paged cache, online softmax per chunk of kPageRows logical positions (chunk c
// holds positions 64c … 64c + 63). A "row" is one (query, head) pair; rows that share pages are
// computed together, which changes no operation of any of them. After every kAttentionSegment
// positions a row's sums are closed and added to those of the segments before, so that several
// threads may share a row: the operations stay the same. A Cache (float_attention.h,
// int16_attention.h) offers
//   Layout                                 where elements lie
//   prepare(row, query, shape)             the query, scaled, in the form that it multiplies
//   attend_chunk(tile, chunk, shape)       sums of all rows grow by the chunk's positions
//   rescale(from, to)                      factor of sums whose maximum was `from` and is now `to`

constexpr int kChunk = static_cast<int>(kPageRows);
constexpr int kTileRows = 48;  // rows of one pass over the cache
constexpr int kMicroRows = 4;  // rows that share a loaded register of keys or values

/// Softmax sums over some positions, with weights relative to the largest score.
struct SoftmaxSums {
  float max;
  float total;
  float* sum;  // [H, rounded up to 16], unnormalised output

  [[nodiscard]] bool none() const { return max == -__builtin_inff() && total == 0; }
};

struct AttentionRow {
  void* query;          // [H]
  float query_scale;    // integer caches
  SoftmaxSums earlier;  // of the segments before the current one
  float* sum;           // of the current one, as `max` and `total`
  float* output;        // [H]
  float* scores;        // [kChunk]
  int16_t* weights;     // [kChunk]; integer caches
  float weight_scale;   // of the weights
  float decay;          // of what was summed before this chunk
  const AttentionQuery* source;
  int64_t head;         // within the kv head
  int64_t head_offset;  // of its head in the source's queries
  int64_t first;        // of the part that is attended to: all, or one of dual chunk attention
  int64_t length;
  float max;
  float total;
  int64_t segment;  // the current one; -1 before the first position
  int lo;           // positions of the current chunk that it attends to: [lo, hi)
  int hi;

  [[nodiscard]] bool attends() const { return lo < hi; }
  [[nodiscard]] int begin() const { return lo / 16 * 16; }  // of the registers that hold them
  [[nodiscard]] int end() const { return (hi + 15) / 16 * 16; }
};

struct Tile {
  AttentionRow rows[kTileRows];
  int count;
  HeadCache scratch;  // one chunk, for tree rows
};

inline int64_t padded(int64_t width) {
  return (width + 15) / 16 * 16;
}

inline void softcap_scores(float* scores, int begin, int end, float softcap) {
  const Lanes cap = Lanes::broadcast(softcap);
  for (int j = begin; j < end; j += 16) {
    const Lanes x = Lanes::div(Lanes::load(scores + j), cap);
    Lanes::store(scores + j, Lanes::mul(cap, tanh_lanes(x)));
  }
}

/// Scores of positions that the row does not attend to become -infinity.
inline void hide_outside(AttentionRow& row) {
  for (int j = row.begin(); j < row.lo; ++j) {
    row.scores[j] = -__builtin_inff();
  }
  for (int j = row.hi; j < row.end(); ++j) {
    row.scores[j] = -__builtin_inff();
  }
}

inline float largest_score(const AttentionRow& row) {
  Lanes top = Lanes::broadcast(-__builtin_inff());
  for (int j = row.begin(); j < row.end(); j += 16) {
    top = Lanes::max(top, Lanes::load(row.scores + j));
  }
  return Lanes::reduce_max(top);
}

/// Calls attend<rows>(row) for `count` rows, kMicroRows at a time. `attend`: a struct with a
/// template.
template <class Attend>
inline void for_micro_rows(AttentionRow* rows, int count, const Attend& attend) {
  int r = 0;
  for (; r + kMicroRows <= count; r += kMicroRows) {
    attend.template rows<kMicroRows>(rows + r);
  }
  if (count - r == 3) {
    attend.template rows<3>(rows + r);
  } else if (count - r == 2) {
    attend.template rows<2>(rows + r);
  } else if (count - r == 1) {
    attend.template rows<1>(rows + r);
  }
}

/// Positions of the chunk that any of the rows attends to.
struct Span {
  int lo;
  int hi;
};
inline Span union_of(const AttentionRow* row, int rows) {
  Span span = {kChunk, 0};
  for (int r = 0; r < rows; ++r) {
    if (row[r].attends()) {
      span.lo = row[r].lo < span.lo ? row[r].lo : span.lo;
      span.hi = row[r].hi > span.hi ? row[r].hi : span.hi;
    }
  }
  return span;
}

/// Collects the positions [begin, begin + kChunk) of a tree row into the tile's scratch as a chunk.
template <class Layout>
inline void gather_chunk(Tile& tile,
                         const AttentionQuery& query,
                         const AttentionShape& shape,
                         int64_t kv_head,
                         int64_t begin) {
  const int64_t from = query.first > begin ? query.first : begin;
  const int64_t to = query.length < begin + kChunk ? query.length : begin + kChunk;
  for (int64_t p = from; p < to; ++p) {
    const int64_t slot = p >= query.slots_begin ? query.slots[p - query.slots_begin] : p;
    const HeadCache head = head_cache<Layout>(query.pages[slot / kPageRows], shape, kv_head);
    copy_position<Layout>(head, slot % kPageRows, tile.scratch, p - begin, shape.head_dim);
  }
}

template <class Cache>
inline void attend_position_chunk(Tile& tile,
                                  const AttentionQuery& query,
                                  const AttentionShape& shape,
                                  int64_t kv_head,
                                  int64_t begin) {
  using Layout = typename Cache::Layout;
  if (query.slots != nullptr && begin + kChunk > query.slots_begin) {
    gather_chunk<Layout>(tile, query, shape, kv_head, begin);
    Cache::attend_chunk(tile, tile.scratch, shape);
    return;
  }
  Cache::attend_chunk(tile, head_cache<Layout>(query.pages[begin / kPageRows], shape, kv_head),
                      shape);
}

/// into += part: the later of two runs of positions.
template <class Cache>
inline void merge_sums(SoftmaxSums& into, const SoftmaxSums& part, int64_t width) {
  const int64_t padded_width = padded(width);
  if (into.none()) {
    into.max = part.max;
    into.total = part.total;
    memcpy(into.sum, part.sum, static_cast<size_t>(padded_width) * sizeof(float));
    return;
  }
  const float max = into.max > part.max ? into.max : part.max;
  const float old_factor = Cache::rescale(into.max, max);
  const float new_factor = Cache::rescale(part.max, max);
  into.max = max;
  into.total = Lanes::fma1(part.total, new_factor, into.total * old_factor);
  for (int64_t i = 0; i < padded_width; i += 16) {
    const Lanes before = Lanes::mul(Lanes::load(into.sum + i), Lanes::broadcast(old_factor));
    Lanes::store(into.sum + i,
                 Lanes::fma(Lanes::load(part.sum + i), Lanes::broadcast(new_factor), before));
  }
}

inline void begin_segment(AttentionRow& row, int64_t segment, int64_t width) {
  memset(row.sum, 0, static_cast<size_t>(padded(width)) * sizeof(float));
  row.max = -__builtin_inff();
  row.total = 0;
  row.segment = segment;
}

template <class Cache>
inline void close_segment(AttentionRow& row, int64_t width) {
  if (row.segment >= 0) {
    merge_sums<Cache>(row.earlier, {row.max, row.total, row.sum}, width);
  }
}

/// What the row attends to of the chunk at `begin`. Only its own positions decide where its
/// segments end.
template <class Cache>
inline void enter_chunk(AttentionRow& row, int64_t begin, int64_t width) {
  const int64_t lo = row.first - begin;
  const int64_t hi = row.length - begin;
  row.lo = lo < 0 ? 0 : lo > kChunk ? kChunk : static_cast<int>(lo);
  row.hi = hi < 0 ? 0 : hi > kChunk ? kChunk : static_cast<int>(hi);
  const int64_t segment = begin / kAttentionSegment;
  if (row.attends() && row.segment != segment) {
    close_segment<Cache>(row, width);
    begin_segment(row, segment, width);
  }
}

/// The chunks of the rows' current parts.
template <class Cache>
inline void attend_parts(Tile& tile,
                         const AttentionQuery& query,
                         const AttentionShape& shape,
                         int64_t kv_head) {
  int64_t first = tile.rows[0].first;
  int64_t length = 0;
  int64_t last_first = 0;
  int64_t shortest = INT64_MAX;
  for (int r = 0; r < tile.count; ++r) {
    const AttentionRow& row = tile.rows[r];
    first = row.first < first ? row.first : first;
    length = row.length > length ? row.length : length;
    last_first = row.first > last_first ? row.first : last_first;
    shortest = row.length < shortest ? row.length : shortest;
  }
  bool whole = false;  // all rows attend to the whole chunk
  for (int64_t begin = first / kChunk * kChunk; begin < length; begin += kChunk) {
    const bool was_whole = whole && begin % kAttentionSegment != 0;
    whole = begin >= last_first && begin + kChunk <= shortest;
    if (!was_whole || !whole) {  // else all is as it was for the chunk before
      for (int r = 0; r < tile.count; ++r) {
        enter_chunk<Cache>(tile.rows[r], begin, shape.head_dim);
      }
    }
    attend_position_chunk<Cache>(tile, query, shape, kv_head, begin);
  }
}

/// Part 0 holds the older keys of dual chunk attention, part 1 the recent ones, part 2 the rest,
/// which without it is all.
template <class Cache>
inline void choose_part(AttentionRow& row, int part, const AttentionTask& task) {
  const AttentionQuery& source = *row.source;
  const int64_t begins[] = {source.first, source.older_end, source.recent_end, source.length};
  const float* queries[] = {source.older, source.recent, source.query};
  const int64_t first = begins[part] > source.first ? begins[part] : source.first;
  row.first = first > task.first ? first : task.first;
  row.length = begins[part + 1] < task.end ? begins[part + 1] : task.end;
  if (row.first < row.length) {
    Cache::prepare(row, queries[part] + row.head_offset, task.shape);
  }
}

/// Where a task that is one part of several keeps the sums of a query's head: max, total, and from
/// the 16th number on the weighted values.
inline float* partial_of(const AttentionTask& task, int64_t query, int64_t head) {
  const int64_t group = task.shape.heads / task.shape.kv_heads;
  return task.partials + (query * group + head) * attention_partial_floats(task.shape.head_dim);
}

inline void store_partial(const SoftmaxSums& sums, int64_t width, float* partial) {
  partial[0] = sums.max;
  partial[1] = sums.total;
  memcpy(partial + 16, sums.sum, static_cast<size_t>(padded(width)) * sizeof(float));
}

inline void store_output(const SoftmaxSums& sums, int64_t width, float* output) {
  const Lanes inverse = Lanes::broadcast(1.0F / sums.total);
  for (int64_t i = 0; i < width; i += 16) {
    store_part(output + i, width - i, Lanes::mul(Lanes::load(sums.sum + i), inverse));
  }
}

/// All positions of the task for the rows of a tile, then the outputs.
template <class Cache>
inline void attend_tile(Tile& tile, const AttentionQuery& query, const AttentionTask& task) {
  const int64_t width = task.shape.head_dim;
  bool dual = false;
  for (int r = 0; r < tile.count; ++r) {
    dual = dual || tile.rows[r].source->recent_end > 0;
  }
  for (int part = dual ? 0 : 2; part < 3; ++part) {
    for (int r = 0; r < tile.count; ++r) {
      choose_part<Cache>(tile.rows[r], part, task);
    }
    attend_parts<Cache>(tile, query, task.shape, task.kv_head);
  }
  for (int r = 0; r < tile.count; ++r) {
    AttentionRow& row = tile.rows[r];
    close_segment<Cache>(row, width);
    if (task.partials == nullptr) {
      store_output(row.earlier, width, row.output);
    } else {
      store_partial(row.earlier, width, partial_of(task, row.source - task.queries, row.head));
    }
  }
}

/// The outputs from the sums of parts, which lie one part after the other.
template <class Cache>
inline void merge_parts(const AttentionTask& task, int64_t parts) {
  const int64_t group = task.shape.heads / task.shape.kv_heads;
  const int64_t width = task.shape.head_dim;
  const int64_t stride = task.count * group * attention_partial_floats(width);
  for (int64_t i = 0; i < task.count; ++i) {
    for (int64_t head = 0; head < group; ++head) {
      float* place = partial_of(task, i, head);
      SoftmaxSums sums = {place[0], place[1], place + 16};
      for (int64_t p = 1; p < parts; ++p) {
        float* later = place + p * stride;
        const SoftmaxSums part = {later[0], later[1], later + 16};
        if (!part.none()) {
          merge_sums<Cache>(sums, part, width);
        }
      }
      store_output(sums, width, task.queries[i].output + (task.kv_head * group + head) * width);
    }
  }
}

/// Appends the query's heads [begin, end) (counted within the kv head) to the tile.
template <class Cache>
inline void add_rows(Tile& tile,
                     const AttentionTask& task,
                     const AttentionQuery& query,
                     int64_t begin,
                     int64_t end) {
  const int64_t width = task.shape.head_dim;
  const int64_t group = task.shape.heads / task.shape.kv_heads;
  for (int64_t head = begin; head < end; ++head) {
    AttentionRow& row = tile.rows[tile.count++];
    const int64_t offset = (task.kv_head * group + head) * width;
    row.source = &query;
    row.head = head;
    row.head_offset = offset;
    row.output = query.output + offset;
    row.earlier.max = -__builtin_inff();
    row.earlier.total = 0;
    row.segment = -1;
    memset(row.earlier.sum, 0, static_cast<size_t>(padded(width)) * sizeof(float));
  }
}

/// Hands out pieces of one block of memory, each 64-byte aligned.
struct Pieces {
  unsigned char* at;
  template <typename T>
  T* take(int64_t count) {
    auto* piece = reinterpret_cast<T*>(at);
    at += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return piece;
  }
};

inline Tile* make_tile(int64_t head_dim) {
  const int64_t width = padded(head_dim);
  const int64_t row_bytes = 4 * (3 * width + kChunk) + 2 * kChunk;
  const int64_t chunk_bytes = 4 * (2 * width * kChunk + 2 * kChunk);
  constexpr int64_t kHeader = (sizeof(Tile) + 63) / 64 * 64;
  Pieces pieces = {static_cast<unsigned char*>(
      thread_scratch(kScratchSums, kHeader + kTileRows * row_bytes + chunk_bytes))};
  auto* tile = pieces.take<Tile>(1);
  for (AttentionRow& row : tile->rows) {
    row.query = pieces.take<float>(width);
    row.sum = pieces.take<float>(width);
    row.earlier.sum = pieces.take<float>(width);
    row.scores = pieces.take<float>(kChunk);
    row.weights = pieces.take<int16_t>(kChunk);
  }
  tile->scratch.keys = pieces.take<float>(width * kChunk);
  tile->scratch.values = pieces.take<float>(width * kChunk);
  tile->scratch.key_scales = pieces.take<float>(kChunk);
  tile->scratch.value_scales = pieces.take<float>(kChunk);
  tile->count = 0;
  return tile;
}

inline bool same_cache(const AttentionQuery& a, const AttentionQuery& b) {
  return a.pages == b.pages && a.slots == nullptr && b.slots == nullptr;
}

template <class Cache>
inline void attention_over(const AttentionTask& task) {
  const int64_t group = task.shape.heads / task.shape.kv_heads;
  Tile* tile = make_tile(task.shape.head_dim);
  for (int64_t i = 0; i < task.count; ++i) {
    const AttentionQuery& query = task.queries[i];
    for (int64_t head = 0; head < group;) {
      const int64_t room = kTileRows - tile->count;
      const int64_t end = head + (group - head < room ? group - head : room);
      add_rows<Cache>(*tile, task, query, head, end);
      head = end;
      const bool last =
          head == group && (i + 1 == task.count || !same_cache(query, task.queries[i + 1]));
      if (tile->count == kTileRows || last) {
        attend_tile<Cache>(*tile, query, task);
        tile->count = 0;
      }
    }
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
