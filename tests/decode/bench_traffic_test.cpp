#include <gtest/gtest.h>

#include "decode/bench/traffic.h"

namespace cupel::decode::bench {
namespace {

using engine::ModelDescription;
using engine::PackedMatrix;
using engine::TensorType;

// SmolLM2-135M as its file describes it.
ModelDescription smollm2() {
  ModelDescription model{.vocabulary_size = 49152, .width = 576, .tied_head = true};
  engine::LayerDescription layer;
  layer.attention = {.heads = 9, .kv_heads = 3, .head_dim = 64};
  layer.feed_forward.width = 1536;
  model.layers.assign(30, layer);
  return model;
}

// Gemma 3 270M: every sixth layer sees everything, the others 512 positions.
ModelDescription gemma3() {
  ModelDescription model{.vocabulary_size = 262144, .width = 640, .tied_head = true};
  engine::LayerDescription layer;
  layer.attention = {.heads = 4, .kv_heads = 1, .head_dim = 256};
  layer.feed_forward.width = 2048;
  for (int i = 0; i < 18; ++i) {
    layer.attention.window = i % 6 == 5 ? 0 : 512;
    model.layers.push_back(layer);
  }
  return model;
}

PackedMatrix matrix(TensorType type, int64_t rows, int64_t cols) {
  return {.type = type, .rows = rows, .cols = cols};
}

engine::Weights smollm2_weights() {
  engine::Weights weights;
  weights.embedding = matrix(TensorType::kQ8_0, 49152, 576);
  weights.head.matrix = weights.embedding;
  engine::LayerWeights layer;
  layer.q.matrix = layer.attn_output.matrix = matrix(TensorType::kQ4_1, 576, 576);
  layer.k.matrix = layer.v.matrix = matrix(TensorType::kQ4_1, 192, 576);
  layer.k.matrix = layer.v.matrix = matrix(TensorType::kQ4_1, 192, 576);
  engine::FeedForwardWeights& ff = layer.feed_forward;
  ff.gate.matrix = ff.up.matrix = matrix(TensorType::kQ4_1, 1536, 576);
  ff.down.matrix = matrix(TensorType::kQ4_1, 576, 1536);
  weights.layers.assign(30, layer);
  return weights;
}

constexpr double kSmolCache = 30 * 2 * 3 * 64 * 2;  // layers, keys and values, f16
constexpr double kGemmaCache = 18 * 2 * 1 * 256 * 2;

TEST(StepWeightBytes, CountATiedEmbeddingAsTheHead) {
  // 30 · (2 · 576² + 2 · 192 · 576 + 3 · 1536 · 576) weights of 20 bytes per 32: 66.36 MB; the
  // embedding of 49152 · 576 with 34 bytes per 32: 30.08 MB.
  EXPECT_EQ(step_weight_bytes(smollm2(), smollm2_weights()), 66355200 + 30081024);
}

TEST(StepWeightBytes, LeaveOutAnEmbeddingThatIsOnlyLookedUp) {
  engine::Weights weights = smollm2_weights();
  const std::byte other{};
  weights.head.matrix.data = &other;
  EXPECT_EQ(static_cast<int64_t>(weights.bytes()), 66355200 + 2 * 30081024);
  EXPECT_EQ(step_weight_bytes(smollm2(), weights), 66355200 + 30081024);
}

TEST(CacheBytesRead, GrowsByAPositionAStep) {
  EXPECT_EQ(kSmolCache, 23040);
  EXPECT_DOUBLE_EQ(cache_bytes_read(smollm2(), kSmolCache, 0), 23040);
  EXPECT_DOUBLE_EQ(cache_bytes_read(smollm2(), kSmolCache, 999), 23040e3);
}

TEST(CacheBytesRead, StopsAtTheWindowOfALayer) {
  EXPECT_EQ(kGemmaCache, 18432);
  EXPECT_DOUBLE_EQ(cache_bytes_read(gemma3(), kGemmaCache, 511), 512 * 18432.0);
  // 15 of 18 layers read 512 positions, 3 read all 8192; each position is 1024 bytes of a layer.
  EXPECT_DOUBLE_EQ(cache_bytes_read(gemma3(), kGemmaCache, 8191), 1024.0 * (15 * 512 + 3 * 8192));
}

TEST(CacheBytesRead, AverageOverSteps) {
  // Positions 16 … 79 read 17 … 80 rows: 48.5 on average.
  EXPECT_DOUBLE_EQ(mean_cache_bytes_read(smollm2(), kSmolCache, 16, 64), 48.5 * 23040);
  EXPECT_EQ(mean_cache_bytes_read(smollm2(), kSmolCache, 16, 0), 0);
}

TEST(TokensPerSecondLimit, IsTheBandwidthOverTheBytesOfAStep) {
  // 35 GB/s over 96.44 MB: what the published table calls 345 to 385 at 33 to 37 GB/s.
  EXPECT_NEAR(tokens_per_second_limit(1, 96436224, 35), 362.9, 0.1);
  EXPECT_NEAR(tokens_per_second_limit(16, 246364160 + 16 * 18432, 35), 16 * 35e9 / 246659072, 1e-6);
  EXPECT_EQ(tokens_per_second_limit(1, 0, 35), 0);
}

TEST(PrefillMultiplyAdds, CountLinearLayersAttentionAndOneHead) {
  const double linear = 106168320;  // weights of the blocks, above
  const double head = 49152.0 * 576;
  // Each of 30 layers: scores and values, 2 · 9 · 64 for every pair of positions.
  EXPECT_DOUBLE_EQ(prefill_multiply_adds(smollm2(), 1), linear + 30 * 2 * 576 + head);
  EXPECT_DOUBLE_EQ(prefill_multiply_adds(smollm2(), 512),
                   512 * linear + 30.0 * 2 * 576 * (512 * 513 / 2) + head);
}

TEST(PrefillMultiplyAdds, SeeNoMoreThanTheWindow) {
  ModelDescription model;
  model.width = 0;
  engine::LayerDescription layer;
  layer.attention = {.heads = 1, .kv_heads = 1, .head_dim = 1, .window = 3};
  model.layers = {layer};
  // 1 + 2 + 3 + 3 + 3 pairs.
  EXPECT_DOUBLE_EQ(prefill_multiply_adds(model, 5), 2 * 12);
}

}  // namespace
}  // namespace cupel::decode::bench
