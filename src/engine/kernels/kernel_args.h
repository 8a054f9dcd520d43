#pragma once

#include <cstddef>
#include <cstdint>

namespace cupel::engine {

// Arguments of the operators: plain structs that the files of every CPU level include.
// Letters: n rows of the batch step (tokens), D model width, H head width, G kv heads, N query
// heads.

struct PackedMatrix;

/// An activation that sticks out of its row, kept in f32 beside the row's int8 twin.
struct Outlier {
  int32_t place;  // its column in a list by rows, its row in a list by columns
  float value;
};

/// The outliers of one column are those from the end of the column before it to `end`.
struct OutlierColumn {
  int32_t column;
  int32_t end;
};

/// The outliers of all rows, by ascending column, then row.
struct OutlierColumns {
  OutlierColumn* columns = nullptr;  // [cols]; the first `*count` are set
  Outlier* entries = nullptr;        // [n · most_outliers(cols)]
  int32_t* count = nullptr;          // [1]
};

/// An outlier exceeds kOutlierRms times its row's root mean square, so that there are at most
/// cols / kOutlierRms² of them in a row.
constexpr float kOutlierRms = 3.0F;
constexpr int64_t most_outliers(int64_t cols) {
  return cols / 8;
}

/// Rows of activations as the linear operators read them. In f32 mode only `values` is set; in int8
/// mode the quantised twin: x ≈ scale · q with q in [-127, 127], one scale per 32 columns, plus the
/// outliers, at which q is 0. A weight in BF16 multiplies `bf16` when that is set; else a weight of
/// a float format multiplies `values` when they are set, else the int8 twin.
struct ActivationRows {
  int64_t rows = 0;
  int64_t cols = 0;                         // a multiple of 32
  const float* values = nullptr;            // [n, cols]
  const int8_t* quants = nullptr;           // [n, cols]
  const float* scales = nullptr;            // [n, cols / 32]
  const int16_t* sums16 = nullptr;          // [n, cols / 16] Σ q of 16 columns
  const float* totals = nullptr;            // [n, cols / 32] Σ of the twin's 32 columns
  const Outlier* outliers = nullptr;        // [n, most_outliers(cols)]; by ascending column the
  const int32_t* outlier_counts = nullptr;  // [n]                       first outlier_counts[row]
  OutlierColumns by_column;                 // the same once more
  const uint16_t* bf16 = nullptr;           // [n, cols] values rounded to bf16, ties to even
};

/// The same buffers, writable.
struct ActivationBuffer {
  int64_t rows = 0;
  int64_t cols = 0;
  float* values = nullptr;
  int8_t* quants = nullptr;
  float* scales = nullptr;
  int16_t* sums16 = nullptr;
  float* totals = nullptr;
  Outlier* outliers = nullptr;
  int32_t* outlier_counts = nullptr;
  OutlierColumns by_column;
  uint16_t* bf16 = nullptr;
};

/// Norm of one row: x / rms(x) · weight, or with `center` (x - mean(x)) / σ(x) · weight + bias.
struct NormArgs {
  const float* weight = nullptr;  // [width]
  const float* bias = nullptr;    // [width] or nullptr; with `center` only
  float epsilon = 0;              // added to the mean square
  bool center = false;
};

enum class GateKind { kSilu, kGeluTanh, kGeluErf };

/// What `linear` does with a product before it stores it.
enum class LinearEpilogue { kStore, kAdd };

struct LinearArgs {
  const PackedMatrix* weight = nullptr;
  const float* bias = nullptr;  // [rows of weight] or nullptr
  ActivationRows input;
  float* output = nullptr;  // [n, output_stride]
  int64_t output_stride = 0;
  LinearEpilogue epilogue = LinearEpilogue::kStore;
};

/// activation(gate · x) · (up · x): two weights of one shape over the same input. Without `up` it
/// is activation(gate · x).
struct GatedLinearArgs {
  const PackedMatrix* gate = nullptr;
  const PackedMatrix* up = nullptr;
  const float* gate_bias = nullptr;  // [rows of gate] or nullptr
  const float* up_bias = nullptr;
  GateKind activation = GateKind::kSilu;
  ActivationRows input;
  float* output = nullptr;  // [n, output_stride]
  int64_t output_stride = 0;
};

/// Element of the key-value cache: int16 with a scale per position and head, or f32.
enum class CacheType { kInt16, kFloat32 };

/// One layer's cache of one sequence, in pages of kPageRows positions. Places of the elements:
/// cache_layout.h. Pages may be copied whole; single positions are moved with `copy_kv`.
constexpr int64_t kPageRows = 64;
struct KvPage {
  void* keys = nullptr;
  void* values = nullptr;
  float* key_scales = nullptr;    // [G, kPageRows]; kInt16 only
  float* value_scales = nullptr;  // [G, kPageRows]; kInt16 only
};
/// Bytes of the four parts of a page.
struct KvPageBytes {
  int64_t keys;
  int64_t values;
  int64_t scales;  // of the keys; as many of the values
};
constexpr KvPageBytes kv_page_bytes(CacheType type, int64_t kv_heads, int64_t head_dim) {
  const int64_t rows = kv_heads * kPageRows;
  if (type == CacheType::kFloat32) {
    return {4 * rows * head_dim, 4 * rows * head_dim, 0};
  }
  return {2 * rows * head_dim, 2 * rows * ((head_dim + 15) / 16 * 16), 4 * rows};
}

/// One query row of the batch step.
struct AttentionQuery {
  const float* query = nullptr;   // [N, H], already rotated
  float* output = nullptr;        // [N, H]
  const KvPage* pages = nullptr;  // this sequence's pages of this layer, by position / kPageRows
  int64_t length = 0;             // attends to positions [first, length); its own is length - 1
  int64_t first = 0;              // > 0 with a sliding window
  /// Tree rows: slots[p - slots_begin] is where the row of logical position p ≥ slots_begin lies
  /// (page · kPageRows + offset). nullptr: position p lies at slot p.
  const int32_t* slots = nullptr;
  int64_t slots_begin = 0;
  /// Dual chunk attention: keys at positions below older_end meet `older`, those from there on
  /// below recent_end meet `recent`, the others `query`: the same query, rotated differently.
  /// nullptr: all keys meet `query`.
  const float* older = nullptr;   // [N, H]
  const float* recent = nullptr;  // [N, H]
  int64_t older_end = 0;
  int64_t recent_end = 0;
};

/// Positions after which the sums of a softmax are closed, whoever computes them: pieces of work
/// that several threads may share.
constexpr int64_t kAttentionSegment = 256;
/// Floats that the sums of one query's head take.
constexpr int64_t attention_partial_floats(int64_t head_dim) {
  return 16 + (head_dim + 15) / 16 * 16;
}

struct AttentionShape {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  float scale = 0;    // multiplies q·k
  float softcap = 0;  // > 0: softcap · tanh(x / softcap)
  CacheType cache = CacheType::kInt16;
};

/// Rotary embedding of one row: cos/sin [rotary_dim / 2]; pairs are (2i, 2i+1) or
/// (i, i + rotary_dim/2).
struct RopeArgs {
  const float* cos = nullptr;
  const float* sin = nullptr;
  int64_t rotary_dim = 0;
  bool interleaved = false;
};

}  // namespace cupel::engine
