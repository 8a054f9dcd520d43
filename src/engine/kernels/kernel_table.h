#pragma once

#include "engine/kernels/kernel_args.h"

namespace cupel::engine::kernels {

// What a file of one CPU level offers: plain functions over plain structs. Such a file includes no
// header with inline library code, or the linker might keep its copy, with instructions that other
// machines lack, for every caller (style.md §12).

/// Rows of a packed matrix are interleaved in groups of this size at every level.
constexpr int64_t kGroupRows = 16;
/// Columns that share a scale, of weights (K formats: of a sub-block) and of activations.
constexpr int64_t kBlockCols = 32;

/// Weight formats, as an index of the tables.
enum Format : int {
  kFormatF32,
  kFormatF16,
  kFormatBf16,
  kFormatQ4_0,
  kFormatQ4_1,
  kFormatQ5_0,
  kFormatQ5_1,
  kFormatQ8_0,
  kFormatQ4K,
  kFormatQ5K,
  kFormatQ6K,
  kFormatCount,
};

/// Output rows [begin, end) of a product; begin is a multiple of kGroupRows.
struct LinearTask {
  const unsigned char* data = nullptr;  // the packed matrix
  const float* bias = nullptr;
  ActivationRows input;
  float* output = nullptr;
  int64_t output_stride = 0;
  int64_t output_row = 0;  // the weight row whose products are output[:, 0]
  int64_t begin = 0;
  int64_t end = 0;
  bool add = false;
};

struct AttentionTask {
  const AttentionQuery* queries = nullptr;
  int64_t count = 0;
  AttentionShape shape;
  int64_t kv_head = 0;
  // One part of several: positions [first, end), whose sums go to `partials` instead of the
  // outputs ([count][heads per kv head][attention_partial_floats]).
  int64_t first = 0;
  int64_t end = INT64_MAX;
  float* partials = nullptr;
};

using LinearFunction = void (*)(const LinearTask& task);

struct KernelTable {
  LinearFunction linear_int8[kFormatCount];  // nullptr for the float formats
  LinearFunction linear_f32[kFormatCount];
  LinearFunction linear_bf16;  // of BF16 weights and the bf16 twin
  void (*norm)(const float* x, const NormArgs& args, int64_t width, float* out);
  void (*quantise_row)(const float* x, const ActivationBuffer& buffer, int64_t row);
  void (*round_row)(const float* x, int64_t count, uint16_t* bf16);
  void (*rope)(float* head, const RopeArgs& args);
  void (*store_kv)(const float* keys,
                   const float* values,
                   const AttentionShape& shape,
                   const KvPage& page,
                   int64_t offset);
  void (*attention)(const AttentionTask& task);
  void (*merge_attention)(const AttentionTask& task, int64_t parts);
  void (*gate)(const float* gate, const float* up, int64_t count, GateKind kind, float* out);
  void (*add)(float* x, const float* y, int64_t count);
  void (*add_scaled)(float* x, float factor, const float* y, int64_t count);
  double (*log_sum_exp)(const float* x, int64_t count);
};

const KernelTable& scalar_kernels();
const KernelTable& avx2_kernels();
const KernelTable& avx512_kernels();
const KernelTable& avx512_bf16_kernels();  // the same with products of the instruction vdpbf16ps
const KernelTable& amx_kernels();          // the same with products of tiles

/// int8 products by level and format (int8_*.cpp): nullptr for the float formats.
LinearFunction scalar_linear_int8(Format format);
LinearFunction avx2_linear_int8(Format format);
LinearFunction avx512_linear_int8(Format format);
LinearFunction amx_linear_int8(Format format);

void amx_linear_bf16(const LinearTask& task);

/// What a thread's scratch memory is for. Two uses share a slot only where one is over before the
/// other begins.
enum ScratchSlot : int {
  kScratchSums,         // of a product's outputs; a row, head or tile of what is no product
  kScratchActivations,  // what a product has prepared of its input rows
  kScratchWeights,      // unpacked or widened weights
  kScratchGates,        // the gated pair of linear_gated, which runs two products meanwhile
  kScratchSlots,
};

/// This thread's scratch memory, ≥ `bytes`, 64-byte aligned; grows, never shrinks. A second call in
/// the same thread with the same `slot` (a ScratchSlot) invalidates the first. Throws
/// std::bad_alloc, which the thread pool passes on, where the system has no memory.
void* thread_scratch(int slot, int64_t bytes);

}  // namespace cupel::engine::kernels
