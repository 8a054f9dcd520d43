#include "decode/bench/traffic.h"

#include <algorithm>

namespace cupel::decode::bench {
namespace {

using engine::AttentionDescription;
using engine::LayerDescription;
using engine::ModelDescription;

double cache_width(const AttentionDescription& attention) {
  return static_cast<double>(attention.kv_heads * attention.head_dim);
}

// Positions that a row at `position` sees.
int64_t visible(const AttentionDescription& attention, int64_t position) {
  return attention.window > 0 ? std::min(attention.window, position + 1) : position + 1;
}

// The sum of `visible` over positions 0 … tokens - 1.
double visible_pairs(const AttentionDescription& attention, int64_t tokens) {
  const auto triangle = [](int64_t n) { return static_cast<double>(n * (n + 1)) / 2; };
  if (attention.window <= 0 || tokens <= attention.window) {
    return triangle(tokens);
  }
  const auto full = static_cast<double>(tokens - attention.window);
  return triangle(attention.window) + full * static_cast<double>(attention.window);
}

double linear_multiply_adds(const ModelDescription& model, const LayerDescription& layer) {
  const AttentionDescription& a = layer.attention;
  const int64_t q_width = a.heads * a.head_dim;
  const int64_t kv_width = a.kv_heads * a.head_dim;
  // Queries and output, keys and values, and the three matrices of a gated block; with experts
  // those that a row uses, the shared one and the router.
  const engine::ExpertsDescription& experts = layer.feed_forward.experts;
  const int64_t feed_forward =
      experts.count == 0
          ? 3 * layer.feed_forward.width
          : 3 * (experts.used * experts.width + experts.shared_width) + experts.count;
  const int64_t rows = 2 * q_width + 2 * kv_width + feed_forward;
  return static_cast<double>(model.width) * static_cast<double>(rows);
}

int64_t matrix_bytes(const engine::PackedMatrix& matrix) {
  return matrix.rows *
         static_cast<int64_t>(engine::row_bytes(matrix.type, static_cast<uint64_t>(matrix.cols)));
}

}  // namespace

int64_t step_weight_bytes(const ModelDescription& model, const engine::Weights& weights) {
  auto total = static_cast<int64_t>(weights.bytes());
  if (weights.head.matrix.data != weights.embedding.data) {
    total -= matrix_bytes(weights.embedding);
  }
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    int64_t experts = 0;
    for (const engine::FeedForwardWeights& expert : weights.layers[i].experts) {
      experts += matrix_bytes(expert.gate.matrix) + matrix_bytes(expert.up.matrix) +
                 matrix_bytes(expert.down.matrix);
    }
    if (experts > 0) {
      const engine::ExpertsDescription& choice = model.layers[i].feed_forward.experts;
      total -= experts / choice.count * (choice.count - choice.used);
    }
  }
  return total;
}

double cache_bytes_read(const ModelDescription& model,
                        double bytes_per_position,
                        int64_t position) {
  double all = 0;
  double read = 0;
  for (const LayerDescription& layer : model.layers) {
    const double width = cache_width(layer.attention);
    all += width;
    read += width * static_cast<double>(visible(layer.attention, position));
  }
  return all > 0 ? bytes_per_position * read / all : 0;
}

double mean_cache_bytes_read(const ModelDescription& model,
                             double bytes_per_position,
                             int64_t position,
                             int64_t steps) {
  double sum = 0;
  for (int64_t step = 0; step < steps; ++step) {
    sum += cache_bytes_read(model, bytes_per_position, position + step);
  }
  return steps > 0 ? sum / static_cast<double>(steps) : 0;
}

double tokens_per_second_limit(int64_t tokens, double bytes, double gigabytes_per_second) {
  return bytes > 0 ? static_cast<double>(tokens) * gigabytes_per_second * 1e9 / bytes : 0;
}

double prefill_multiply_adds(const ModelDescription& model, int64_t tokens) {
  double sum = static_cast<double>(model.vocabulary_size) * static_cast<double>(model.width);
  for (const LayerDescription& layer : model.layers) {
    const AttentionDescription& a = layer.attention;
    sum += linear_multiply_adds(model, layer) * static_cast<double>(tokens);
    sum += 2.0 * static_cast<double>(a.heads * a.head_dim) * visible_pairs(a, tokens);
  }
  return sum;
}

}  // namespace cupel::decode::bench
