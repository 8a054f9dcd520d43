#include "engine/runtime/transformer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "engine/kernels/outliers.h"

namespace cupel::engine {
namespace {

// Rows of one pass through the layers: enough to amortise unpacking the weights over a prompt, few
// enough that the activations of a layer stay in the L2 cache. The split never changes results.
constexpr size_t kMicroBatch = 256;
static_assert(kMaxTreeRows <= kMicroBatch, "a tree is computed in one pass");
// Rows whose logits are held at once: 32 · 262 144 · 4 bytes = 32 MiB for Gemma's vocabulary.
constexpr size_t kHeadRows = 32;
// Queries of one attention work item.
constexpr size_t kQueryBlock = 16;
// Multiply-adds below which waking the other threads costs more than it saves (≈ 5 µs of work).
constexpr size_t kForkWork = 20000;

// The exact mode caches what it computed; otherwise int16 halves the cache's memory and traffic,
// and its products are twice as fast.
CacheType cache_type(Activations activations) {
  return activations == Activations::kFloat32 ? CacheType::kFloat32 : CacheType::kInt16;
}

bool same_rope(const RopeDescription& a, const RopeDescription& b) {
  return a.base == b.base && a.position_scale == b.position_scale && a.rotary_dim == b.rotary_dim &&
         a.interleaved == b.interleaved && a.frequency_factors == b.frequency_factors;
}

/// End of the rows of rows[begin]'s sequence.
size_t run_end(std::span<const StepRow> rows, size_t begin) {
  size_t end = begin;
  while (end < rows.size() && rows[end].sequence == rows[begin].sequence) {
    ++end;
  }
  return end;
}

/// Rows of the pass that begins at `begin`: no tree is cut.
size_t micro_batch_end(std::span<const StepRow> rows, size_t begin) {
  size_t end = begin;
  while (end < rows.size()) {
    const size_t next = rows[end].in_tree() ? run_end(rows, end) : end + 1;
    if (next - begin > kMicroBatch) {
      break;
    }
    end = next;
  }
  return end;
}

}  // namespace

Transformer::Transformer(ModelDescription description,
                         const Operators& operators,
                         std::unique_ptr<ThreadPool> threads,
                         const EngineOptions& options)
    : description_(std::move(description)),
      activations_(options.activations),
      operators_(&operators),
      threads_(std::move(threads)),
      kv_pool_(description_, cache_type(options.activations), options.max_cache_bytes) {
  std::vector<const RopeDescription*> variants;
  for (const LayerDescription& layer : description_.layers) {
    const RopeDescription& rope = layer.attention.rope;
    const auto known = std::find_if(variants.begin(), variants.end(),
                                    [&](const auto* variant) { return same_rope(*variant, rope); });
    rope_of_layer_.push_back(static_cast<size_t>(known - variants.begin()));
    if (known == variants.end()) {
      variants.push_back(&rope);
      rope_tables_.emplace_back(rope);
    }
  }
}

Result<std::unique_ptr<Transformer>> Transformer::load(const GgufFile& file,
                                                       const EngineOptions& options) {
  CUPEL_TRY(ModelDescription description, describe_model(file));
  CUPEL_TRY(const Operators* operators, operators_for(options.level.value_or(best_cpu_level())));
  auto threads =
      std::make_unique<ThreadPool>(options.threads == 0 ? available_cpus() : options.threads);
  CUPEL_TRY(Weights weights, load_weights(file, description, *operators, options.noise, *threads));
  std::unique_ptr<Transformer> transformer(
      new Transformer(std::move(description), *operators, std::move(threads), options));
  transformer->weights_ = std::move(weights);
  return transformer;
}

Result<Ok> Transformer::step(std::span<const StepRow> rows,
                             const LogitsVisitor& visit,
                             const HiddenTaps* taps) {
  CUPEL_TRY_VOID(check_rows(rows));
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = micro_batch_end(rows, begin);
    CUPEL_TRY_VOID(micro_step(rows.subspan(begin, end - begin), begin, visit, taps));
    begin = end;
  }
  return Ok{};
}

Result<Ok> Transformer::check_rows(std::span<const StepRow> rows) const {
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = run_end(rows, begin);
    for (size_t i = begin; i < end; ++i) {
      const StepRow& row = rows[i];
      if (row.embedding == nullptr &&
          (row.token < 0 || row.token >= description_.vocabulary_size)) {
        return invalid_argument("token id {} is outside the vocabulary of {}", row.token,
                                description_.vocabulary_size);
      }
      if (row.in_tree() != rows[begin].in_tree()) {
        return invalid_argument("row {}: a sequence's rows form a tree or none of them does", i);
      }
      if (row.in_tree() &&
          (row.parent < StepRow::kRoot || row.parent >= static_cast<int64_t>(i - begin))) {
        return invalid_argument("tree row {}: parent {} is no earlier row of its sequence",
                                i - begin, row.parent);
      }
    }
    if (rows[begin].in_tree() && end - begin > kMaxTreeRows) {
      return invalid_argument("a tree of {} rows; at most {} can be computed at once", end - begin,
                              kMaxTreeRows);
    }
    begin = end;
  }
  return Ok{};
}

Result<Ok> Transformer::micro_step(std::span<const StepRow> rows,
                                   size_t first_row,
                                   const LogitsVisitor& visit,
                                   const HiddenTaps* taps) {
  CUPEL_TRY_VOID(reserve(rows));
  const size_t n = rows.size();
  float* hidden = work_.hidden.get(n * static_cast<size_t>(description_.width));
  embed(rows, hidden);
  for (size_t layer = 0; layer < description_.layers.size(); ++layer) {
    attention_block(rows, layer, hidden);
    feed_forward_block(n, layer, hidden);
    if (taps != nullptr && std::binary_search(taps->layers.begin(), taps->layers.end(), layer)) {
      taps->visit(layer, first_row, {hidden, n * static_cast<size_t>(description_.width)});
    }
  }
  run_head(rows, first_row, hidden, visit);
  for (const StepRow& row : rows) {
    row.sequence->extend(row.in_tree() ? 0 : 1);
  }
  return Ok{};
}

// Gives each row its position and its sequence the room; grows the rotary tables.
Result<Ok> Transformer::reserve(std::span<const StepRow> rows) {
  work_.positions.resize(rows.size());
  work_.slots.resize(rows.size());
  work_.path_begins.resize(rows.size());
  work_.path_slots.clear();
  int64_t furthest = 0;
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = run_end(rows, begin);
    CUPEL_TRY_VOID(rows[begin].sequence->reserve(static_cast<int64_t>(end - begin)));
    for (size_t i = begin; i < end; ++i) {
      place_row(rows[i], i, begin);
      furthest = std::max(furthest, work_.positions[i] + 1);
    }
    begin = end;
  }
  for (RopeTable& table : rope_tables_) {
    table.grow(furthest);
  }
  return Ok{};
}

// Row i of a sequence whose rows begin at row `begin`.
void Transformer::place_row(const StepRow& row, size_t i, size_t begin) {
  const int64_t length = row.sequence->length();
  work_.slots[i] = length + static_cast<int64_t>(i - begin);
  work_.positions[i] = work_.slots[i];
  if (!row.in_tree()) {
    return;
  }
  work_.path_begins[i] = work_.path_slots.size();
  work_.positions[i] = length;
  if (row.parent != StepRow::kRoot) {
    const size_t parent = begin + static_cast<size_t>(row.parent);
    work_.positions[i] = work_.positions[parent] + 1;
    for (int64_t j = 0; j < work_.positions[i] - length; ++j) {
      work_.path_slots.push_back(work_.path_slots[work_.path_begins[parent] + j]);
    }
  }
  work_.path_slots.push_back(static_cast<int32_t>(work_.slots[i]));
}

Result<Ok> Transformer::commit(SequenceState& sequence, std::span<const int32_t> path) {
  int32_t before = -1;
  for (const int32_t row : path) {
    if (row <= before || sequence.length() + row >= sequence.reserved()) {
      return invalid_argument("tree row {} after row {} is no path of the last step", row, before);
    }
    before = row;
  }
  for (size_t layer = 0; layer < description_.layers.size(); ++layer) {
    const AttentionShape shape = shape_of(description_.layers[layer].attention);
    const std::span<const KvPage> pages = sequence.pages(layer);
    for (size_t i = 0; i < path.size(); ++i) {
      const int64_t from = sequence.length() + path[i];
      const int64_t to = sequence.length() + static_cast<int64_t>(i);
      if (from != to) {
        operators_->copy_kv(shape, pages[static_cast<size_t>(from / kPageRows)], from % kPageRows,
                            pages[static_cast<size_t>(to / kPageRows)], to % kPageRows);
      }
    }
  }
  sequence.extend(static_cast<int64_t>(path.size()));
  return Ok{};
}

void Transformer::embed(std::span<const StepRow> rows, float* hidden) {
  const auto width = static_cast<size_t>(description_.width);
  const auto scale = static_cast<float>(description_.embedding_scale);
  for_each(rows.size(), rows.size() * width, [&](size_t i) {
    float* out = hidden + i * width;
    if (rows[i].embedding != nullptr) {
      std::memcpy(out, rows[i].embedding, width * sizeof(float));
      return;
    }
    operators_->dequantise_row(weights_.embedding, rows[i].token, out);
    if (scale != 1.0F) {
      for (size_t j = 0; j < width; ++j) {
        out[j] *= scale;
      }
    }
  });
}

AttentionShape Transformer::shape_of(const AttentionDescription& attention) const {
  return {.heads = attention.heads,
          .kv_heads = attention.kv_heads,
          .head_dim = attention.head_dim,
          .scale = static_cast<float>(attention.scale),
          .softcap = static_cast<float>(attention.softcap),
          .cache = cache_type(activations_)};
}

void Transformer::attention_block(std::span<const StepRow> rows, size_t layer, float* hidden) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const LayerWeights& w = weights_.layers[layer];
  const auto n = static_cast<int64_t>(rows.size());
  const int64_t q_width = a.heads * a.head_dim;
  const int64_t kv_width = a.kv_heads * a.head_dim;

  const ActivationBuffer normed = work_.normed.get(n, description_.width, int8());
  norm_rows(hidden, w.attn_norm, normed);
  float* q = work_.q.get(static_cast<size_t>(n * q_width));
  float* k = work_.k.get(static_cast<size_t>(n * kv_width));
  float* v = work_.v.get(static_cast<size_t>(n * kv_width));
  const ActivationRows input = activation_rows(normed);
  const LinearArgs projections[] = {
      {.weight = &w.q, .input = input, .output = q, .output_stride = q_width},
      {.weight = &w.k, .input = input, .output = k, .output_stride = kv_width},
      {.weight = &w.v, .input = input, .output = v, .output_stride = kv_width}};
  run_linears(projections);
  rotate_and_store(rows, layer, q, k, v);

  const ActivationBuffer attended = work_.attended.get(n, q_width, int8());
  attend(rows, layer, q, attended.values);
  quantise_rows(attended);
  const bool post_norm = !w.post_attn_norm.empty();
  float* block = post_norm ? work_.block.get(static_cast<size_t>(n * description_.width)) : hidden;
  const LinearArgs output[] = {
      {.weight = &w.attn_output,
       .input = activation_rows(attended),
       .output = block,
       .output_stride = description_.width,
       .epilogue = post_norm ? LinearEpilogue::kStore : LinearEpilogue::kAdd}};
  run_linears(output);
  if (post_norm) {
    add_normed(rows.size(), w.post_attn_norm, block, hidden);
  }
}

void Transformer::rotate_and_store(
    std::span<const StepRow> rows, size_t layer, float* q, float* k, const float* v) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const LayerWeights& w = weights_.layers[layer];
  const auto epsilon = static_cast<float>(description_.norm_epsilon);
  const RopeTable& rope = rope_tables_[rope_of_layer_[layer]];
  const AttentionShape shape = shape_of(a);
  const auto rotate = [&](float* head, const std::vector<float>& norm, const RopeArgs& args) {
    if (a.qk_norm) {
      operators_->rms_norm(head, norm.data(), epsilon, a.head_dim, head);
    }
    operators_->rope(head, args);
  };
  const auto work = static_cast<size_t>((a.heads + 2 * a.kv_heads) * a.head_dim);
  for_each(rows.size(), rows.size() * work, [&](size_t i) {
    const RopeArgs args = rope.at(work_.positions[i]);
    float* row_q = q + static_cast<int64_t>(i) * a.heads * a.head_dim;
    float* row_k = k + static_cast<int64_t>(i) * a.kv_heads * a.head_dim;
    for (int64_t head = 0; head < a.heads; ++head) {
      rotate(row_q + head * a.head_dim, w.q_norm, args);
    }
    for (int64_t head = 0; head < a.kv_heads; ++head) {
      rotate(row_k + head * a.head_dim, w.k_norm, args);
    }
    const int64_t slot = work_.slots[i];
    const auto page = static_cast<size_t>(slot / kPageRows);
    operators_->store_kv(row_k, v + static_cast<int64_t>(i) * a.kv_heads * a.head_dim, shape,
                         rows[i].sequence->pages(layer)[page], slot % kPageRows);
  });
}

void Transformer::attend(std::span<const StepRow> rows, size_t layer, const float* q, float* out) {
  const AttentionDescription& a = description_.layers[layer].attention;
  const int64_t row_width = a.heads * a.head_dim;
  work_.queries.resize(rows.size());
  size_t keys = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t length = work_.positions[i] + 1;
    const int64_t first = a.window > 0 ? std::max<int64_t>(0, length - a.window) : 0;
    keys += static_cast<size_t>(length - first);
    work_.queries[i] = {.query = q + static_cast<int64_t>(i) * row_width,
                        .output = out + static_cast<int64_t>(i) * row_width,
                        .pages = rows[i].sequence->pages(layer).data(),
                        .length = length,
                        .first = first};
    if (rows[i].in_tree()) {
      work_.queries[i].slots = work_.path_slots.data() + work_.path_begins[i];
      work_.queries[i].slots_begin = rows[i].sequence->length();
    }
  }
  const AttentionShape shape = shape_of(a);
  const size_t blocks = (rows.size() + kQueryBlock - 1) / kQueryBlock;
  const auto kv_heads = static_cast<size_t>(a.kv_heads);
  for_each(blocks * kv_heads, keys * static_cast<size_t>(row_width) * 2, [&](size_t item) {
    const size_t begin = (item / kv_heads) * kQueryBlock;
    const size_t count = std::min(kQueryBlock, rows.size() - begin);
    operators_->attention(std::span(work_.queries).subspan(begin, count), shape,
                          static_cast<int64_t>(item % kv_heads));
  });
}

void Transformer::feed_forward_block(size_t row_count, size_t layer, float* hidden) {
  const LayerWeights& w = weights_.layers[layer];
  const FeedForwardDescription& ff = description_.layers[layer].feed_forward;
  const auto n = static_cast<int64_t>(row_count);
  const ActivationBuffer normed = work_.normed.get(n, description_.width, int8());
  norm_rows(hidden, w.ffn_norm, normed);
  const ActivationBuffer gated = work_.gated.get(n, ff.width, int8());
  run_gated({.gate = &w.gate,
             .up = &w.up,
             .activation = ff.activation,
             .input = activation_rows(normed),
             .output = gated.values,
             .output_stride = ff.width});
  quantise_rows(gated);
  const bool post_norm = !w.post_ffn_norm.empty();
  float* block = post_norm ? work_.block.get(static_cast<size_t>(n * description_.width)) : hidden;
  const LinearArgs down[] = {
      {.weight = &w.down,
       .input = activation_rows(gated),
       .output = block,
       .output_stride = description_.width,
       .epilogue = post_norm ? LinearEpilogue::kStore : LinearEpilogue::kAdd}};
  run_linears(down);
  if (post_norm) {
    add_normed(row_count, w.post_ffn_norm, block, hidden);
  }
}

void Transformer::run_head(std::span<const StepRow> rows,
                           size_t first_row,
                           const float* hidden,
                           const LogitsVisitor& visit) {
  const auto width = static_cast<size_t>(description_.width);
  const auto vocabulary = static_cast<size_t>(description_.vocabulary_size);
  const auto epsilon = static_cast<float>(description_.norm_epsilon);
  const auto softcap = static_cast<float>(description_.final_softcap);
  size_t chosen[kHeadRows];
  size_t count = 0;
  for (size_t i = 0; i <= rows.size(); ++i) {
    if (i < rows.size() && rows[i].logits) {
      chosen[count++] = i;
    }
    if (count == 0 || (count < kHeadRows && i < rows.size())) {
      continue;
    }
    const ActivationBuffer normed =
        work_.head.get(static_cast<int64_t>(count), description_.width, int8());
    for (size_t j = 0; j < count; ++j) {
      operators_->norm_quantise_row(hidden + chosen[j] * width, weights_.output_norm.data(),
                                    epsilon, normed, static_cast<int64_t>(j));
    }
    sort_rows(normed);
    float* logits = work_.logits.get(count * vocabulary);
    const LinearArgs head[] = {{.weight = &weights_.head,
                                .input = activation_rows(normed),
                                .output = logits,
                                .output_stride = description_.vocabulary_size}};
    run_linears(head);
    for_each(count, count * vocabulary, [&](size_t j) {
      const std::span<float> row(logits + j * vocabulary, vocabulary);
      if (softcap > 0) {
        for (float& x : row) {
          x = softcap * std::tanh(x / softcap);
        }
      }
      visit(first_row + chosen[j], row);
    });
    count = 0;
  }
}

void Transformer::norm_rows(const float* x,
                            const std::vector<float>& weight,
                            const ActivationBuffer& out) {
  const auto width = static_cast<size_t>(out.cols);
  const auto rows = static_cast<size_t>(out.rows);
  for_each(rows, rows * width * 2, [&](size_t i) {
    operators_->norm_quantise_row(x + i * width, weight.data(),
                                  static_cast<float>(description_.norm_epsilon), out,
                                  static_cast<int64_t>(i));
  });
  sort_rows(out);
}

void Transformer::sort_rows(const ActivationBuffer& buffer) const {
  if (int8()) {
    sort_outliers(buffer);
  }
}

void Transformer::quantise_rows(const ActivationBuffer& buffer) {
  if (!int8()) {
    return;
  }
  const auto rows = static_cast<size_t>(buffer.rows);
  for_each(rows, rows * static_cast<size_t>(buffer.cols),
           [&](size_t i) { operators_->quantise_row(buffer, static_cast<int64_t>(i)); });
  sort_rows(buffer);
}

void Transformer::add_normed(size_t rows,
                             const std::vector<float>& norm,
                             float* block,
                             float* hidden) {
  const auto width = static_cast<size_t>(description_.width);
  for_each(rows, rows * width * 2, [&](size_t i) {
    float* row = block + i * width;
    operators_->rms_norm(row, norm.data(), static_cast<float>(description_.norm_epsilon),
                         description_.width, row);
    operators_->add(hidden + i * width, row, description_.width);
  });
}

size_t Transformer::row_groups(const PackedMatrix& weight) const {
  const auto group = static_cast<size_t>(operators_->row_group());
  return (static_cast<size_t>(weight.rows) + group - 1) / group;
}

// One row waits for memory, which is read fastest in long runs; many rows are balanced finely.
void Transformer::for_each_run(size_t groups,
                               bool one_row,
                               FunctionRef<void(size_t, size_t)> body) {
  const size_t pieces = threads_->threads() * (one_row ? 4 : 8);
  const size_t piece = std::clamp<size_t>(groups / pieces, 1, one_row ? groups : 16);
  threads_->for_each_chunk(groups, piece, body);
}

void Transformer::run_linears(std::span<const LinearArgs> jobs) {
  const auto group = static_cast<size_t>(operators_->row_group());
  size_t groups = 0;
  for (const LinearArgs& job : jobs) {
    groups += row_groups(*job.weight);
  }
  for_each_run(groups, jobs.front().input.rows == 1, [&](size_t begin, size_t end) {
    for (const LinearArgs& job : jobs) {
      const auto rows = static_cast<size_t>(job.weight->rows);
      const size_t job_groups = row_groups(*job.weight);
      if (begin < job_groups && end > 0) {
        operators_->linear(job, static_cast<int64_t>(begin * group),
                           static_cast<int64_t>(std::min(std::min(end, job_groups) * group, rows)));
      }
      end = end > job_groups ? end - job_groups : 0;
      begin = begin > job_groups ? begin - job_groups : 0;
      if (end == 0) {
        return;
      }
    }
  });
}

void Transformer::run_gated(const GatedLinearArgs& args) {
  const int64_t group = operators_->row_group();
  for_each_run(row_groups(*args.gate), args.input.rows == 1, [&](size_t begin, size_t end) {
    operators_->linear_gated(args, static_cast<int64_t>(begin) * group,
                             std::min(static_cast<int64_t>(end) * group, args.gate->rows));
  });
}

void Transformer::for_each(size_t count, size_t work, FunctionRef<void(size_t)> body) {
  if (count == 1 || work < kForkWork || threads_->threads() == 1) {
    for (size_t i = 0; i < count; ++i) {
      body(i);
    }
    return;
  }
  const size_t chunk = std::max<size_t>(1, count / (threads_->threads() * 4));
  threads_->for_each_chunk(count, chunk, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      body(i);
    }
  });
}

}  // namespace cupel::engine
