#include "engine/runtime/transformer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace cupel::engine {
namespace {

// Rows of one pass through the layers: enough for each thread to have some strips of them. The
// split never changes results.
constexpr size_t kMicroBatch = 512;
static_assert(kMaxTreeRows <= kMicroBatch, "a tree is computed in one pass");
// Rows of a strip. Fewer, and reading the weights again for each costs too much; more, and what a
// layer computes of them leaves the L2 cache.
constexpr size_t kLeastStrip = 48;
constexpr size_t kMostStrip = 128;
// Rows whose logits are held at once: 32 · 262 144 · 4 bytes = 32 MiB for Gemma's vocabulary.
constexpr size_t kHeadRows = 32;
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
    : RowSteps(operators, std::move(threads), options.activations),
      description_(std::move(description)),
      kv_pool_(description_, cache_type(options.activations), options.max_cache_bytes),
      in_strips_(description_.norm_place != NormPlace::kParallel) {
  work_.of_thread.resize(threads_->threads());
  std::vector<const RopeDescription*> variants;
  for (const LayerDescription& layer : description_.layers) {
    const RopeDescription& rope = layer.attention.rope;
    const auto known = std::find_if(variants.begin(), variants.end(),
                                    [&](const auto* variant) { return *variant == rope; });
    rope_of_layer_.push_back(static_cast<size_t>(known - variants.begin()));
    long_from_ = std::max(long_from_, rope.long_from);
    if (layer.attention.dual_chunk.chunk > 0) {
      dual_chunk_ = layer.attention.dual_chunk;  // the same in all layers
    }
    query_floats_ = std::max(query_floats_,
                             static_cast<size_t>(layer.attention.heads * layer.attention.head_dim));
    // Not with experts: each has few enough rows as it is.
    in_strips_ = in_strips_ && layer.feed_forward.experts.count == 0;
    if (known == variants.end()) {
      variants.push_back(&rope);
      rope_tables_.emplace_back(rope);
    }
  }
}

Result<std::unique_ptr<Transformer>> Transformer::load(const Checkpoint& file,
                                                       const EngineOptions& options) {
  CUPEL_TRY(ModelDescription description, describe_model(file));
  if (description.encoder) {
    return invalid_argument(
        "{}: is a sentence encoder ({}), which makes vectors and writes no text; run it with cupel "
        "embed",
        file.path(), description.architecture);
  }
  CUPEL_TRY(LoadedModel loaded, load_model(file, description, options));
  std::unique_ptr<Transformer> transformer(new Transformer(
      std::move(description), *loaded.operators, std::move(loaded.threads), options));
  transformer->set_twins(loaded.weights);
  transformer->weights_ = std::move(loaded.weights);
  return transformer;
}

Result<Ok> Transformer::make_room(SequenceState& sequence, int64_t rows) {
  for (RopeTable& table : rope_tables_) {
    table.grow(sequence.length() + rows, *threads_);
  }
  return sequence.reserve(rows);
}

Result<Ok> Transformer::step(std::span<const StepRow> rows,
                             const LogitsVisitor& visit,
                             const HiddenTaps* taps) {
  CUPEL_TRY_VOID(check_rows(rows));
  if (long_from_ > 0) {
    CUPEL_TRY_VOID(settle_long_rope(rows));
  }
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = micro_batch_end(rows, begin);
    CUPEL_TRY_VOID(micro_step(rows.subspan(begin, end - begin), begin, visit, taps));
    begin = end;
  }
  return Ok{};
}

// What a sequence has cached was computed with the factors of its length then.
Result<Ok> Transformer::settle_long_rope(std::span<const StepRow> rows) {
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = run_end(rows, begin);
    SequenceState& sequence = *rows[begin].sequence;
    const bool tree = rows[begin].in_tree();
    const int64_t added =
        tree ? tree_depth(rows.subspan(begin, end - begin)) : static_cast<int64_t>(end - begin);
    const bool long_rope = sequence.length() + added > long_from_;
    if (tree && long_rope && sequence.length() < long_from_) {
      return unsupported(
          "a tree of depth {} after {} positions: LongRoPE's factors change beyond {}, and its "
          "rows are on both sides; feed fewer drafts, or rows that are no tree",
          added, sequence.length(), long_from_);
    }
    if (long_rope != sequence.long_rope()) {
      CUPEL_TRY_VOID(recompute(sequence, long_rope));
    }
    begin = end;
  }
  return Ok{};
}

int64_t Transformer::tree_depth(std::span<const StepRow> rows) {
  std::vector<int64_t>& depths = work_.depths;
  depths.resize(rows.size());
  int64_t deepest = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const int32_t parent = rows[i].parent;
    depths[i] = parent == StepRow::kRoot ? 1 : depths[static_cast<size_t>(parent)] + 1;
    deepest = std::max(deepest, depths[i]);
  }
  return deepest;
}

Result<Ok> Transformer::recompute(SequenceState& sequence, bool long_rope) {
  const std::vector<TokenId> tokens(sequence.tokens().begin(), sequence.tokens().end());
  CUPEL_CHECK(std::ssize(tokens) == sequence.length(), "a token for each position");
  if (std::find(tokens.begin(), tokens.end(), SequenceState::kEmbedded) != tokens.end()) {
    return unsupported(
        "a sequence with given embeddings cannot pass {} positions: its rotary "
        "factors change there",
        long_from_);
  }
  const int64_t room = sequence.reserved();
  sequence.truncate(0);
  sequence.use_long_rope(long_rope);
  CUPEL_TRY_VOID(sequence.reserve(room));
  std::vector<StepRow> rows;
  for (const TokenId token : tokens) {
    rows.push_back({.sequence = &sequence, .token = token});
  }
  const auto ignore = [](size_t, std::span<float>) {};
  const std::span<const StepRow> all = rows;
  for (size_t begin = 0; begin < all.size(); begin += kMicroBatch) {
    const size_t count = std::min(kMicroBatch, all.size() - begin);
    CUPEL_TRY_VOID(micro_step(all.subspan(begin, count), begin, ignore, nullptr));
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
  work_.q.get(n * query_floats_);
  if (dual_chunk_.chunk > 0) {
    work_.q_older.get(n * query_floats_);
    work_.q_recent.get(n * query_floats_);
  }
  const size_t layers = description_.layers.size();
  for_each_strip(rows, [&](const Strip& strip) { begin_layer(strip, 0); });
  for (size_t layer = 0; layer < layers; ++layer) {
    for_each_strip(rows, [&](const Strip& strip) {
      end_layer(strip, layer);
      if (layer + 1 < layers) {
        begin_layer(strip, layer + 1);
      }
    });
    if (taps != nullptr && std::binary_search(taps->layers.begin(), taps->layers.end(), layer)) {
      taps->visit(layer, first_row, {hidden, n * static_cast<size_t>(description_.width)});
    }
  }
  run_head(rows, first_row, hidden, visit);
  for (const StepRow& row : rows) {
    count_row(row);
  }
  return Ok{};
}

float* Transformer::hidden_of(const Strip& strip) {
  return work_.hidden.data() + strip.first * static_cast<size_t>(description_.width);
}

/// Rows of a strip: all, when the threads share the work of each row, or what one thread takes
/// through half a layer on its own. Each has as many strips as the others.
size_t Transformer::strip_rows(size_t rows) const {
  const size_t threads = threads_->threads();
  if (!in_strips_ || rows < threads * kLeastStrip) {
    return rows;
  }
  const size_t of_each = (rows + threads * kMostStrip - 1) / (threads * kMostStrip);
  const size_t strips = of_each * threads;
  const size_t size = (rows + strips - 1) / strips;
  return std::min(rows, (size + 3) / 4 * 4);  // products take four rows at once
}

void Transformer::for_each_strip(std::span<const StepRow> rows,
                                 FunctionRef<void(const Strip&)> body) {
  const size_t size = strip_rows(rows.size());
  if (size == rows.size()) {
    body({rows, 0, work_.of_thread.front()});
    return;
  }
  const size_t strips = (rows.size() + size - 1) / size;
  // The last ones attend to the most positions: begun first, they leave no thread waiting.
  threads_->for_each_item(strips, [&](size_t item, size_t thread) {
    const size_t first = (strips - 1 - item) * size;
    body(
        {rows.subspan(first, std::min(size, rows.size() - first)), first, work_.of_thread[thread]});
  });
}

void Transformer::count_row(const StepRow& row) const {
  const TokenId token = row.embedding == nullptr ? row.token : SequenceState::kEmbedded;
  if (row.in_tree()) {
    row.sequence->add_tree_row({.parent = row.parent, .token = token});
    return;
  }
  row.sequence->extend(1);
  if (long_from_ > 0) {
    row.sequence->remember(token);
  }
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
    rows[begin].sequence->forget_tree();  // this step overwrites it
    CUPEL_TRY_VOID(rows[begin].sequence->reserve(static_cast<int64_t>(end - begin)));
    for (size_t i = begin; i < end; ++i) {
      place_row(rows[i], i, begin);
      furthest = std::max(furthest, work_.positions[i] + 1);
    }
    begin = end;
  }
  // Beyond one chunk keys of others are as far as the window says. Not before: it is a number of
  // the file, and need not have to do with how long the sequence is.
  if (dual_chunk_.chunk > 0 && furthest > dual_chunk_.chunk) {
    furthest = std::max(furthest, dual_chunk_.window);
  }
  for (RopeTable& table : rope_tables_) {
    table.grow(furthest, *threads_);
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
  const std::span<const SequenceState::TreeRow> tree = sequence.tree();
  int32_t before = StepRow::kRoot;
  for (const int32_t row : path) {
    if (row < 0 || row >= std::ssize(tree)) {
      return invalid_argument("tree row {} was not in the sequence's last step, which had {}", row,
                              tree.size());
    }
    if (const int32_t parent = tree[static_cast<size_t>(row)].parent; parent != before) {
      return invalid_argument(
          "tree row {} does not follow row {}: its parent is {} (-1 = the root)", row, before,
          parent);
    }
    before = row;
  }
  if (path.empty()) {
    return Ok{};
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
  for (const int32_t row : long_from_ > 0 ? path : std::span<const int32_t>()) {
    sequence.remember(tree[static_cast<size_t>(row)].token);
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

void Transformer::run_head(std::span<const StepRow> rows,
                           size_t first_row,
                           const float* hidden,
                           const LogitsVisitor& visit) {
  const auto width = static_cast<size_t>(description_.width);
  const auto outputs = static_cast<size_t>(description_.head_rows());
  const NormArgs norm = norm_args(weights_.output_norm);
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
        work_.head.get(static_cast<int64_t>(count), description_.width, twins_);
    for (size_t j = 0; j < count; ++j) {
      operators_->norm_quantise_row(hidden + chosen[j] * width, norm, normed,
                                    static_cast<int64_t>(j));
    }
    sort_rows(normed);
    float* logits = work_.logits.get(count * outputs);
    const LinearArgs head[] = {{.weight = &weights_.head.matrix,
                                .bias = bias_of(weights_.head),
                                .input = activation_rows(normed),
                                .output = logits,
                                .output_stride = description_.head_rows()}};
    run_linears(head);
    for_each(count, count * outputs, [&](size_t j) {
      const std::span<float> row(logits + j * outputs, outputs);
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

}  // namespace cupel::engine
