#include "engine/runtime/encoder.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/runtime/pooling.h"

namespace cupel::engine {
namespace {

// Rows of one pass through the layers, unless a single text has more: enough to amortise unpacking
// the weights, few enough that a layer's activations stay in the L2 cache. The split never changes
// results.
constexpr size_t kBatchRows = 256;
// Queries of one attention work item.
constexpr size_t kQueryBlock = 16;

}  // namespace

Encoder::Encoder(ModelDescription description,
                 const Operators& operators,
                 std::unique_ptr<ThreadPool> threads,
                 const EngineOptions& options)
    : RowSteps(operators, std::move(threads), options.activations),
      description_(std::move(description)) {}

Result<std::unique_ptr<Encoder>> Encoder::load(const Checkpoint& file,
                                               const EngineOptions& options) {
  CUPEL_TRY(ModelDescription description, describe_model(file));
  if (!description.encoder) {
    return invalid_argument(
        "{}: is a language model ({}), which writes text; vectors come from sentence encoders "
        "(bert)",
        file.path(), description.architecture);
  }
  CUPEL_TRY(LoadedModel loaded, load_model(file, description, options));
  std::unique_ptr<Encoder> encoder(
      new Encoder(std::move(description), *loaded.operators, std::move(loaded.threads), options));
  encoder->set_twins(loaded.weights);
  encoder->weights_ = std::move(loaded.weights);
  encoder->add_up_positions();
  return encoder;
}

void Encoder::add_up_positions() {
  const auto width = static_cast<size_t>(description_.width);
  const auto count = static_cast<size_t>(encoder().positions);
  std::vector<float> type(width, 0.0F);
  if (encoder().token_types > 0) {
    operators_->dequantise_row(weights_.token_types, 0, type.data());
  }
  positions_.resize(count * width);
  for (size_t i = 0; i < count; ++i) {
    float* row = positions_.data() + i * width;
    operators_->dequantise_row(weights_.positions, static_cast<int64_t>(i), row);
    operators_->add(row, type.data(), description_.width);
  }
}

Result<Ok> Encoder::check(Texts texts) const {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty() || texts[i].size() > static_cast<size_t>(encoder().max_tokens)) {
      return invalid_argument("text {} has {} tokens; expected 1 to {}", i, texts[i].size(),
                              encoder().max_tokens);
    }
    for (const TokenId id : texts[i]) {
      if (id < 0 || id >= description_.vocabulary_size) {
        return invalid_argument("text {}: token id {} is outside the vocabulary of {}", i, id,
                                description_.vocabulary_size);
      }
    }
  }
  return Ok{};
}

Result<Ok> Encoder::encode(Texts texts, std::span<float> vectors) {
  CUPEL_CHECK(vectors.size() == texts.size() * dimensions(), "shape of the vectors");
  CUPEL_TRY_VOID(check(texts));
  for (size_t begin = 0; begin < texts.size();) {
    size_t rows = texts[begin].size();
    size_t end = begin + 1;
    while (end < texts.size() && rows + texts[end].size() <= kBatchRows) {
      rows += texts[end++].size();
    }
    encode_batch(texts.subspan(begin, end - begin), rows,
                 vectors.subspan(begin * dimensions(), (end - begin) * dimensions()));
    begin = end;
  }
  return Ok{};
}

void Encoder::encode_batch(Texts texts, size_t rows, std::span<float> vectors) {
  const auto width = static_cast<size_t>(description_.width);
  const ActivationBuffer hidden =
      work_.hidden.get(static_cast<int64_t>(rows), description_.width, twins_);
  place_rows(texts, rows);
  embed(texts, hidden);
  for (size_t layer = 0; layer < description_.layers.size(); ++layer) {
    const LayerDescription& description = description_.layers[layer];
    attention_block(weights_.layers[layer], description.attention, hidden);
    feed_forward_block(weights_.layers[layer], description.feed_forward, hidden);
  }
  size_t row = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t count = texts[i].size() * width;
    pool_rows({hidden.values + row * width, count}, width, encoder(),
              vectors.subspan(i * dimensions(), dimensions()));
    row += texts[i].size();
  }
}

void Encoder::place_rows(Texts texts, size_t rows) {
  const AttentionDescription& a = description_.layers.front().attention;
  work_.places.clear();
  work_.places.reserve(rows);
  size_t pages = 0;
  for (const std::vector<TokenId>& text : texts) {
    const auto length = static_cast<int64_t>(text.size());
    for (int64_t position = 0; position < length; ++position) {
      work_.places.push_back({pages, position, length});
    }
    pages += static_cast<size_t>((length + kPageRows - 1) / kPageRows);
  }
  const KvPageBytes bytes = kv_page_bytes(cache_type(activations_), a.kv_heads, a.head_dim);
  const int64_t page_bytes = bytes.keys + bytes.values + 2 * bytes.scales;
  std::byte* place = work_.cache.get(pages * static_cast<size_t>(page_bytes));
  work_.pages.resize(pages);
  for (KvPage& page : work_.pages) {
    page.keys = place;
    page.values = place + bytes.keys;
    page.key_scales = reinterpret_cast<float*>(place + bytes.keys + bytes.values);
    page.value_scales = reinterpret_cast<float*>(place + bytes.keys + bytes.values + bytes.scales);
    place += page_bytes;
  }
}

void Encoder::embed(Texts texts, const ActivationBuffer& hidden) {
  const auto width = static_cast<size_t>(description_.width);
  std::vector<TokenId> ids;
  ids.reserve(work_.places.size());
  for (const std::vector<TokenId>& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
  }
  const NormArgs norm = norm_args_of(weights_.embedding_norm, description_);
  for_each(ids.size(), ids.size() * width * 4, [&](size_t i) {
    float* row = hidden.values + i * width;
    const auto position = static_cast<size_t>(encoder().first_position + work_.places[i].position);
    operators_->dequantise_row(weights_.embedding, ids[i], row);
    operators_->add(row, positions_.data() + position * width, description_.width);
    operators_->norm_quantise_row(row, norm, hidden, static_cast<int64_t>(i));
  });
  sort_rows(hidden);
}

void Encoder::attention_block(const LayerWeights& weights,
                              const AttentionDescription& attention,
                              const ActivationBuffer& hidden) {
  const int64_t width = attention.heads * attention.head_dim;
  const int64_t kv_width = attention.kv_heads * attention.head_dim;
  const AttentionShape shape = {.heads = attention.heads,
                                .kv_heads = attention.kv_heads,
                                .head_dim = attention.head_dim,
                                .scale = static_cast<float>(attention.scale),
                                .softcap = static_cast<float>(attention.softcap),
                                .cache = cache_type(activations_)};
  const auto projection = [&](const LinearWeights& linear, Scratch<float>& out, int64_t out_width) {
    return LinearArgs{.weight = &linear.matrix,
                      .bias = bias_of(linear),
                      .input = activation_rows(hidden),
                      .output = out.get(static_cast<size_t>(hidden.rows * out_width)),
                      .output_stride = out_width};
  };
  const LinearArgs projections[] = {projection(weights.q, work_.q, width),
                                    projection(weights.k, work_.k, kv_width),
                                    projection(weights.v, work_.v, kv_width)};
  run_linears(projections);
  store_keys_values(shape, kv_width);
  const ActivationBuffer attended = work_.attended.get(hidden.rows, width, twins_);
  attend(shape, width, attended.values);
  quantise_rows(attended);
  finish_block(weights.attn_output, activation_rows(attended), weights.post_attn_norm, hidden);
}

void Encoder::store_keys_values(const AttentionShape& shape, int64_t width) {
  const size_t rows = work_.places.size();
  for_each(rows, rows * static_cast<size_t>(width) * 2, [&](size_t i) {
    const Place& place = work_.places[i];
    const int64_t offset = static_cast<int64_t>(i) * width;
    const KvPage& page =
        work_.pages[place.first_page + static_cast<size_t>(place.position / kPageRows)];
    operators_->store_kv(work_.k.data() + offset, work_.v.data() + offset, shape, page,
                         place.position % kPageRows);
  });
}

/// Every row attends to its whole text.
void Encoder::attend(const AttentionShape& shape, int64_t width, float* out) {
  const size_t rows = work_.places.size();
  work_.queries.resize(rows);
  size_t keys = 0;
  for (size_t i = 0; i < rows; ++i) {
    const Place& place = work_.places[i];
    const int64_t offset = static_cast<int64_t>(i) * width;
    keys += static_cast<size_t>(place.length);
    work_.queries[i] = {.query = work_.q.data() + offset,
                        .output = out + offset,
                        .pages = work_.pages.data() + place.first_page,
                        .length = place.length};
  }
  const size_t blocks = (rows + kQueryBlock - 1) / kQueryBlock;
  const auto kv_heads = static_cast<size_t>(shape.kv_heads);
  for_each(blocks * kv_heads, keys * static_cast<size_t>(width) * 2, [&](size_t item) {
    const size_t begin = (item / kv_heads) * kQueryBlock;
    const size_t count = std::min(kQueryBlock, rows - begin);
    operators_->attention(std::span(work_.queries).subspan(begin, count), shape,
                          static_cast<int64_t>(item % kv_heads));
  });
}

void Encoder::feed_forward_block(const LayerWeights& weights,
                                 const FeedForwardDescription& feed_forward,
                                 const ActivationBuffer& hidden) {
  const LinearWeights& up = weights.feed_forward.up;
  const ActivationBuffer active = work_.gated.get(hidden.rows, feed_forward.width, twins_);
  run_gated({.gate = &up.matrix,
             .gate_bias = bias_of(up),
             .activation = feed_forward.activation,
             .input = activation_rows(hidden),
             .output = active.values,
             .output_stride = feed_forward.width});
  quantise_rows(active);
  finish_block(weights.feed_forward.down, activation_rows(active), weights.post_ffn_norm, hidden);
}

void Encoder::finish_block(const LinearWeights& weights,
                           const ActivationRows& input,
                           const NormWeights& norm,
                           const ActivationBuffer& hidden) {
  const LinearArgs sum[] = {{.weight = &weights.matrix,
                             .bias = bias_of(weights),
                             .input = input,
                             .output = hidden.values,
                             .output_stride = hidden.cols,
                             .epilogue = LinearEpilogue::kAdd}};
  run_linears(sum);
  const NormArgs args = norm_args_of(norm, description_);
  const auto rows = static_cast<size_t>(hidden.rows);
  for_each(rows, rows * static_cast<size_t>(hidden.cols) * 2, [&](size_t i) {
    operators_->norm_quantise_row(hidden.values + static_cast<int64_t>(i) * hidden.cols, args,
                                  hidden, static_cast<int64_t>(i));
  });
  sort_rows(hidden);
}

}  // namespace cupel::engine
