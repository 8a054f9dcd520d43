// The attention block of the transformer.
#include <algorithm>

#include "engine/model/rope_scaling.h"
#include "engine/runtime/transformer.h"

namespace cupel::engine {
namespace {

// Most queries of one attention work item. Rows of one sequence share what they read.
constexpr size_t kQueryBlock = 16;
// Work items a thread, so that all end at about the same time.
constexpr size_t kItemsPerThread = 2;
// Multiply-adds from which on few rows are worth splitting by positions.
constexpr size_t kSplitWork = 200000;

}  // namespace

AttentionShape Transformer::shape_of(const AttentionDescription& attention) const {
  return {.heads = attention.heads,
          .kv_heads = attention.kv_heads,
          .head_dim = attention.head_dim,
          .scale = static_cast<float>(attention.scale),
          .softcap = static_cast<float>(attention.softcap),
          .cache = cache_type(activations_)};
}

/// Up to where other rows need what these have: their keys and values are in the cache.
void Transformer::begin_layer(const Strip& strip, size_t layer) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const LayerWeights& w = weights_.layers[layer];
  const auto n = static_cast<int64_t>(strip.rows.size());
  const int64_t q_width = a.heads * a.head_dim;
  const int64_t kv_width = a.kv_heads * a.head_dim;

  const ActivationRows input = block_input(strip.work, hidden_of(strip), n, w.attn_norm);
  float* q = work_.q.data() + static_cast<int64_t>(strip.first) * q_width;
  float* k = strip.work.k.get(static_cast<size_t>(n * kv_width));
  float* v = strip.work.v.get(static_cast<size_t>(n * kv_width));
  const auto projection = [&](const LinearWeights& linear, float* output, int64_t width) {
    return LinearArgs{.weight = &linear.matrix,
                      .bias = bias_of(linear),
                      .input = input,
                      .output = output,
                      .output_stride = width};
  };
  const LinearArgs projections[] = {projection(w.q, q, q_width), projection(w.k, k, kv_width),
                                    projection(w.v, v, kv_width)};
  run_linears(projections);
  rotate_and_store(strip, layer, q, k, v);
}

/// The rest of it, once the keys and values of all rows are there.
void Transformer::end_layer(const Strip& strip, size_t layer) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const LayerWeights& w = weights_.layers[layer];
  const ActivationBuffer attended =
      strip.work.attended.get(std::ssize(strip.rows), a.heads * a.head_dim, twins_);
  attend(strip, layer, attended.values);
  quantise_rows(attended);
  add_block_output(strip.work, w.attn_output, activation_rows(attended), w.post_attn_norm,
                   hidden_of(strip));
  feed_forward_block(strip, layer);
}

void Transformer::normalise_heads(
    const NormWeights& norm, HeadNorm kind, int64_t heads, int64_t head_dim, float* row) const {
  NormArgs args = norm_args(norm);
  args.center = kind == HeadNorm::kLayer;
  if (kind == HeadNorm::kRmsWide) {
    operators_->norm(row, args, heads * head_dim, row);
    return;
  }
  for (int64_t head = 0; head < heads; ++head) {
    operators_->norm(row + head * head_dim, args, head_dim, row + head * head_dim);
    args.weight += kind == HeadNorm::kLayer ? head_dim : 0;
  }
}

void Transformer::rotate_heads(float* row,
                               int64_t heads,
                               int64_t head_dim,
                               const RopeArgs& args) const {
  for (int64_t head = 0; head < heads && args.rotary_dim > 0; ++head) {
    operators_->rope(row + head * head_dim, args);
  }
}

/// The query rotated for its own chunk, in place, and for the keys of earlier chunks.
void Transformer::rotate_dual_chunk(float* q, size_t i, size_t layer) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const RopeTable& rope = rope_tables_[rope_of_layer_[layer]];
  const int64_t width = a.heads * a.head_dim;
  const DualChunkPositions places = dual_chunk_positions(a.dual_chunk, work_.positions[i]);
  float* older = work_.q_older.data() + static_cast<int64_t>(i) * width;
  float* recent = work_.q_recent.data() + static_cast<int64_t>(i) * width;
  std::copy(q, q + width, older);
  std::copy(q, q + width, recent);
  if (work_.positions[i] >= a.dual_chunk.chunk) {  // in the first chunk no key needs them
    rotate_heads(older, a.heads, a.head_dim, rope.at(places.older, false));
    rotate_heads(recent, a.heads, a.head_dim, rope.at(places.recent, false));
  }
  rotate_heads(q, a.heads, a.head_dim, rope.at(places.own, false));
}

void Transformer::rotate_and_store(
    const Strip& strip, size_t layer, float* q, float* k, const float* v) {
  const std::span<const StepRow> rows = strip.rows;
  const AttentionDescription& a = description_.layers[layer].attention;
  const LayerWeights& w = weights_.layers[layer];
  const RopeTable& rope = rope_tables_[rope_of_layer_[layer]];
  const AttentionShape shape = shape_of(a);
  const int64_t q_width = a.heads * a.head_dim;
  const int64_t kv_width = a.kv_heads * a.head_dim;
  const bool dual = a.dual_chunk.chunk > 0;
  for_each(rows.size(), rows.size() * static_cast<size_t>(q_width + 2 * kv_width), [&](size_t i) {
    float* row_q = q + static_cast<int64_t>(i) * q_width;
    float* row_k = k + static_cast<int64_t>(i) * kv_width;
    if (a.head_norm != HeadNorm::kNone) {
      normalise_heads(w.q_norm, a.head_norm, a.heads, a.head_dim, row_q);
      normalise_heads(w.k_norm, a.head_norm, a.kv_heads, a.head_dim, row_k);
    }
    const int64_t position = work_.positions[strip.first + i];
    const RopeArgs args =
        rope.at(dual ? position % a.dual_chunk.chunk : position, rows[i].sequence->long_rope());
    rotate_heads(row_k, a.kv_heads, a.head_dim, args);
    if (dual) {
      rotate_dual_chunk(row_q, strip.first + i, layer);
    } else {
      rotate_heads(row_q, a.heads, a.head_dim, args);
    }
    const int64_t slot = work_.slots[strip.first + i];
    const auto page = static_cast<size_t>(slot / kPageRows);
    operators_->store_kv(row_k, v + static_cast<int64_t>(i) * kv_width, shape,
                         rows[i].sequence->pages(layer)[page], slot % kPageRows);
  });
}

/// What each row attends to; returns how many positions these are.
size_t Transformer::list_queries(const Strip& strip, size_t layer, float* out) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const int64_t row_width = a.heads * a.head_dim;
  strip.work.queries.resize(strip.rows.size());
  size_t keys = 0;
  for (size_t i = 0; i < strip.rows.size(); ++i) {
    const StepRow& row = strip.rows[i];
    const size_t at = strip.first + i;
    const int64_t offset = static_cast<int64_t>(at) * row_width;
    const int64_t length = work_.positions[at] + 1;
    const int64_t first = a.window > 0 ? std::max<int64_t>(0, length - a.window) : 0;
    keys += static_cast<size_t>(length - first);
    AttentionQuery& query = strip.work.queries[i];
    query = {.query = work_.q.data() + offset,
             .output = out + static_cast<int64_t>(i) * row_width,
             .pages = row.sequence->pages(layer).data(),
             .length = length,
             .first = first};
    if (const int64_t chunk = a.dual_chunk.chunk; chunk > 0) {
      query.older = work_.q_older.data() + offset;
      query.recent = work_.q_recent.data() + offset;
      query.recent_end = (length - 1) / chunk * chunk;
      query.older_end = std::max<int64_t>(0, query.recent_end - chunk);
    }
    if (row.in_tree()) {
      query.slots = work_.path_slots.data() + work_.path_begins[at];
      query.slots_begin = row.sequence->length();
    }
  }
  return keys;
}

void Transformer::attend(const Strip& strip, size_t layer, float* out) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const std::span<const StepRow> rows = strip.rows;
  const size_t work =
      list_queries(strip, layer, out) * static_cast<size_t>(a.heads * a.head_dim) * 2;
  const auto kv_heads = static_cast<size_t>(a.kv_heads);
  const size_t wanted = threads_->threads() > 1 ? kItemsPerThread * threads_->threads() : 1;
  size_t block = kQueryBlock;
  while (block > 1 && (rows.size() + block - 1) / block * kv_heads < wanted) {
    block /= 2;
  }
  if (rows.size() * kv_heads < wanted && work >= kSplitWork) {
    attend_in_parts(strip.work, shape_of(a), work);
    return;
  }
  const AttentionShape shape = shape_of(a);
  const size_t blocks = (rows.size() + block - 1) / block;
  for_each(blocks * kv_heads, work, [&](size_t item) {
    const size_t begin = (item / kv_heads) * block;
    const size_t count = std::min(block, rows.size() - begin);
    operators_->attention(std::span(strip.work.queries).subspan(begin, count), shape,
                          static_cast<int64_t>(item % kv_heads));
  });
}

/// Few rows: the threads share their positions.
void Transformer::attend_in_parts(StripBuffers& buffers, const AttentionShape& shape, size_t work) {
  int64_t first = INT64_MAX;
  int64_t length = 0;
  for (const AttentionQuery& query : buffers.queries) {
    first = std::min(first, query.first);
    length = std::max(length, query.length);
  }
  const int64_t first_segment = first / kAttentionSegment;
  const int64_t parts = (length + kAttentionSegment - 1) / kAttentionSegment - first_segment;
  const auto rows = static_cast<int64_t>(buffers.queries.size());
  const int64_t part_floats =
      rows * (shape.heads / shape.kv_heads) * attention_partial_floats(shape.head_dim);
  float* partials = buffers.partials.get(static_cast<size_t>(shape.kv_heads * parts * part_floats));
  for_each(static_cast<size_t>(shape.kv_heads * parts), work, [&](size_t item) {
    const auto at = static_cast<int64_t>(item);
    operators_->attention_part(buffers.queries, shape, at / parts, first_segment + at % parts,
                               partials + at * part_floats);
  });
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    operators_->merge_attention(buffers.queries, shape, head, parts,
                                partials + head * parts * part_floats);
  }
}

}  // namespace cupel::engine
