#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"
#include "engine/kernels/kernel_args.h"

namespace cupel::engine {

// Contract of every operator (design.md, log-prob contract): an output element is a function of its
// own row's inputs alone, with one fixed order of floating-point operations. It does not depend on
// n, on the other rows, on the split into ranges, or on the number of threads. The order is also
// the same at every CPU level (reductions have 16 lanes everywhere, multiply-adds are fused
// everywhere), so that levels agree bit for bit; tests/engine_kernels/*_test.cpp hold this with ==.

/// CPU levels, weakest first. Scalar is the oracle; a level includes those below it.
enum class CpuLevel { kScalar, kAvx2, kAvx512, kAmx };

/// Arithmetic of the linear layers: exact f32 activations, or such as are fast: int8 for quantised
/// weights (dynamic, per 32 elements, with the outliers of a row in f32), bf16 for weights in BF16.
enum class Activations { kFloat32, kInt8 };

/// A weight matrix repacked for the kernels (packing.h); the layout serves all CPU levels.
/// Quantised weights stay quantised. Logical shape: `rows` outputs × `cols` inputs.
struct PackedMatrix {
  TensorType type{};
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* data = nullptr;
  std::shared_ptr<std::byte[]> owned;  // 64-byte aligned
};

/// The table of one CPU level. The transformer is written against it and nothing else.
class Operators {
 public:
  virtual ~Operators() = default;
  [[nodiscard]] virtual CpuLevel level() const = 0;

  /// Repacks a [rows, cols] matrix of the file's layout; `bytes` is not needed afterwards.
  /// Shapes: cols a multiple of 32 and of the type's block.
  /// Errors: kUnsupported - no kernel for the type; kInvalidArgument - shape or byte count do not
  /// fit;
  ///         kExhausted - no memory.
  [[nodiscard]] virtual Result<PackedMatrix> pack(TensorType type,
                                                  int64_t rows,
                                                  int64_t cols,
                                                  std::span<const std::byte> bytes) const = 0;
  /// The same in pieces, which several threads may pack at once: bytes of the whole packed matrix
  /// (64-byte aligned, `owned`), and `count` rows from row `first` on, `bytes` long in the file's
  /// layout. first and, unless they end the matrix, count are multiples of row_group().
  [[nodiscard]] virtual Result<size_t> packed_bytes(TensorType type,
                                                    int64_t rows,
                                                    int64_t cols) const = 0;
  virtual void pack_rows(const PackedMatrix& matrix,
                         int64_t first,
                         int64_t count,
                         std::span<const std::byte> bytes) const = 0;
  /// Bytes of the file's layout again: unpack(pack(W)) = W. For tests and for re-quantising.
  [[nodiscard]] virtual std::vector<std::byte> unpack(const PackedMatrix& matrix) const = 0;

  /// Dequantises one row (embedding lookup): out[cols].
  virtual void dequantise_row(const PackedMatrix& matrix, int64_t row, float* out) const = 0;

  /// out = norm of x, [width]. In place allowed.
  virtual void norm(const float* x, const NormArgs& args, int64_t width, float* out) const = 0;
  /// Fills the int8 twin of row `row` of the buffer from its `values`.
  virtual void quantise_row(const ActivationBuffer& buffer, int64_t row) const = 0;
  /// The norm of x into row `row` of the buffer, and its int8 twin when the buffer has one; the f32
  /// values are written only when `buffer.values` is set.
  virtual void norm_quantise_row(const float* x,
                                 const NormArgs& args,
                                 const ActivationBuffer& buffer,
                                 int64_t row) const = 0;

  /// output[:, begin..end) of input · weightᵀ. Ranges start at multiples of `row_group()`.
  virtual void linear(const LinearArgs& args, int64_t begin, int64_t end) const = 0;
  /// The same of a gated pair. The pair's own outputs never leave this thread's scratch memory,
  /// 8 · n · (end - begin) bytes, so take ranges of which the L2 cache holds that.
  virtual void linear_gated(const GatedLinearArgs& args, int64_t begin, int64_t end) const = 0;
  [[nodiscard]] virtual int64_t row_group() const = 0;

  virtual void rope(float* head, const RopeArgs& args) const = 0;
  /// Stores one position's keys and values ([G, H] f32 each) at `offset` of a page.
  virtual void store_kv(const float* keys,
                        const float* values,
                        const AttentionShape& shape,
                        const KvPage& page,
                        int64_t offset) const = 0;
  /// Copies one stored position to another place (a tree's accepted path to its linear slots).
  virtual void copy_kv(const AttentionShape& shape,
                       const KvPage& from,
                       int64_t from_offset,
                       const KvPage& to,
                       int64_t to_offset) const = 0;
  /// Attention of all `queries` for kv head `kv_head` (all its query heads). Keys in logical order,
  /// in chunks of kPageRows aligned to multiples of it; online softmax; f32 accumulators, which are
  /// closed after every kAttentionSegment positions.
  /// Neighbours in the list that share `pages` are computed together: keep a sequence's rows
  /// adjacent.
  virtual void attention(std::span<const AttentionQuery> queries,
                         const AttentionShape& shape,
                         int64_t kv_head) const = 0;
  /// The same in parts, which several threads may compute at once, bit for bit: the sums over the
  /// positions of segment `segment` (kAttentionSegment positions), then the outputs from the sums
  /// of `parts` segments in order, which lie one after another. Shapes: partials
  /// [parts][queries][heads / kv_heads][attention_partial_floats(head_dim)].
  virtual void attention_part(std::span<const AttentionQuery> queries,
                              const AttentionShape& shape,
                              int64_t kv_head,
                              int64_t segment,
                              float* partials) const = 0;
  virtual void merge_attention(std::span<const AttentionQuery> queries,
                               const AttentionShape& shape,
                               int64_t kv_head,
                               int64_t parts,
                               float* partials) const = 0;

  /// out = activation(gate) · up, or activation(gate) where `up` is nullptr, over `count` elements.
  /// In place allowed.
  virtual void gate(
      const float* gate, const float* up, int64_t count, GateKind kind, float* out) const = 0;
  /// x ← x + y.
  virtual void add(float* x, const float* y, int64_t count) const = 0;
  /// x ← x + factor · y.
  virtual void add_scaled(float* x, float factor, const float* y, int64_t count) const = 0;
  /// log Σ exp(x); -infinity for no elements. Error ≤ 1e-6.
  [[nodiscard]] virtual double log_sum_exp(const float* x, int64_t count) const = 0;
};

/// All levels, weakest first.
std::vector<CpuLevel> cpu_levels();
/// Those this machine can run.
std::vector<CpuLevel> available_cpu_levels();
std::string_view cpu_level_name(CpuLevel level);  // "scalar", "avx2", "avx512", "amx"
Result<CpuLevel> parse_cpu_level(std::string_view name);
/// The table of a level. Errors: kUnsupported when this CPU lacks it.
Result<const Operators*> operators_for(CpuLevel level);
/// The strongest level of this machine.
CpuLevel best_cpu_level();

}  // namespace cupel::engine
