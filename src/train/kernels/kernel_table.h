#pragma once

#include <cstdint>

namespace cupel::train::kernels {

// What a file of one CPU level offers: plain functions over plain structs. Such a file includes no
// header with inline library code, or the linker might keep its copy, with instructions that other
// machines lack, for every caller (style.md §12). All numbers are computed in f32.

enum class Number : int { kFloat32, kBfloat16 };

/// Numbers in memory; no data: there are none.
struct Values {
  const void* data = nullptr;
  Number number = Number::kFloat32;
};
struct Results {
  void* data = nullptr;
  Number number = Number::kFloat32;
};

/// Rows [begin, end) of a norm over `width` numbers, of x or of x + addend:
/// y = (x - mean) · scale · weight + bias, scale = 1 / √(mean((x - mean)²) + ε); without `center`
/// the mean is 0.
struct NormTask {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t width = 0;
  float epsilon = 0;
  bool center = false;
  Values x;                       // [rows, width]
  Values addend;                  // the same, or none
  const float* weight = nullptr;  // [width]
  const float* bias = nullptr;    // [width] or none
  Results sum;                    // x + addend, of the number of x; where there is an addend
  Results y;
  float* scales = nullptr;  // [rows]
  float* means = nullptr;   // [rows], where centred
};

/// Its derivative. With ŷ = (x - mean) · scale and h = gradient of y · weight:
/// gradient of x = scale · (h - mean(h ŷ) ŷ [- mean(h)]) [+ of_sum].
struct NormGradientTask {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t width = 0;
  bool center = false;
  Values x;  // what was normed: the sum, where there was an addend
  Values of_y;
  Values of_sum;  // or none
  const float* weight = nullptr;
  const float* scales = nullptr;
  const float* means = nullptr;
  Results of_x;                // of the number of x, or none
  Results of_addend;           // the same gradient in the addend's number, or none
  float* of_weight = nullptr;  // [width], added to; or none
  float* of_bias = nullptr;
};

enum class Activation : int { kSilu, kGeluTanh, kGeluErf };

/// Rows [begin, end): activation(gate) · up, or activation(gate) where there is no `up`.
struct GateTask {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t width = 0;
  int64_t stride = 0;  // numbers from row to row of gate and up; those of the output stand close
  Activation activation = Activation::kSilu;
  Values gate;
  Values up;
  Results output;
};
struct GateGradientTask {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t width = 0;
  int64_t stride = 0;  // of gate, up and their gradients
  Activation activation = Activation::kSilu;
  Values gate;
  Values up;
  Values of_output;
  Results of_gate;
  Results of_up;  // none where there is no `up`
};

/// Where heads stand: token t, group g, head j of the group at t · token + g · group + j · width.
struct HeadPlaces {
  int64_t token = 0;
  int64_t group = 0;
};
/// Copies the heads of tokens [begin, end) from one place to another and rotates them: pairs
/// (i, i + R/2), or (2i, 2i + 1) where interleaved, by the angles of the token, or back by them.
struct HeadsTask {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t groups = 0;
  int64_t heads_per_group = 0;
  int64_t width = 0;
  int64_t rotary_dim = 0;  // R; 0: they are only copied
  bool interleaved = false;
  bool back = false;
  const float* cos = nullptr;  // [tokens, R/2]
  const float* sin = nullptr;
  Values from;
  HeadPlaces from_places;
  Results to;
  HeadPlaces to_places;
};

/// Rows of scores over `keys` keys. Row r belongs to the query at position `first + r mod period /
/// rows_per_query`, and sees the keys whose position `first_key + k` is at most that, and of a
/// window > 0 only the last so many.
struct ScoreRows {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t period = 0;
  int64_t keys = 0;
  int64_t rows_per_query = 1;
  int64_t first = 0;
  int64_t first_key = 0;
  int64_t window = 0;
  float scale = 1;
};
/// Weights softmax(scale · score) where a key is seen, else 0.
struct SoftmaxTask {
  ScoreRows rows;
  const float* scores = nullptr;  // [rows, keys]
  Results weights;                // may stand where the scores do
  float* log_sums = nullptr;      // [rows]: log Σ exp(scale · score)
};
/// weight = exp(scale · score - log sum); of_score = scale · weight · (of_weight - Σ weight ·
/// of_weight).
struct SoftmaxGradientTask {
  ScoreRows rows;
  const float* scores = nullptr;
  const float* log_sums = nullptr;
  float* of_weights = nullptr;  // [rows, keys]; overwritten
  Results weights;              // may stand where the scores do
  Results of_scores;            // may stand where of_weights does
};

/// Rows [begin, end) of a block of logits: columns `first` to first + width of the vocabulary.
struct LogitsBlock {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t first = 0;
  int64_t width = 0;
  Results logits;                   // [rows, width], before bias and soft cap
  const float* bias = nullptr;      // [vocabulary] or none
  float softcap = 0;                // 0: none
  const int64_t* labels = nullptr;  // [rows]
};
/// What is known of the rows after some blocks, all relative to the largest logit so far.
struct LogitSums {
  float* largest = nullptr;    // [rows], begins at -infinity
  double* sums = nullptr;      // [rows] Σ exp(x - largest)
  float* label = nullptr;      // [rows] the label's logit
  double* totals = nullptr;    // [rows] Σ x, or none
  double* products = nullptr;  // [rows] Σ exp(x - largest) (x - largest), or none
  double* squares = nullptr;   // [rows] Σ exp(2 (x - largest)), or none
  int64_t* top = nullptr;      // [rows] the first token with the largest logit, or none
};
/// What takes the place of the logits x: (of_p · p + of_all, and of the label's column of_label as
/// well) · slope of the soft cap, p = exp(x - log sum).
struct LogitSlopes {
  const float* log_sums = nullptr;
  const float* of_label = nullptr;
  const float* of_p = nullptr;
  const float* of_all = nullptr;  // or none
};

struct KernelTable {
  void (*norm)(const NormTask& task);
  void (*norm_gradient)(const NormGradientTask& task);
  void (*gate)(const GateTask& task);
  void (*gate_gradient)(const GateGradientTask& task);
  void (*heads)(const HeadsTask& task);
  void (*softmax)(const SoftmaxTask& task);
  void (*softmax_gradient)(const SoftmaxGradientTask& task);
  void (*describe_logits)(const LogitsBlock& block, const LogitSums& sums);
  void (*logit_slopes)(const LogitsBlock& block, const LogitSlopes& slopes);
};

const KernelTable& scalar_kernels();
const KernelTable& avx2_kernels();
const KernelTable& avx512_kernels();

}  // namespace cupel::train::kernels
