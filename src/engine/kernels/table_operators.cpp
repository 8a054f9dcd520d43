#include "engine/kernels/table_operators.h"

#include "base/check.h"
#include "engine/kernels/cache_layout.h"
#include "engine/kernels/packing.h"

namespace cupel::engine::kernels {
namespace {

template <class Layout>
void copy_heads(const AttentionShape& shape,
                const KvPage& from,
                int64_t from_offset,
                const KvPage& to,
                int64_t to_offset) {
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    copy_position<Layout>(head_cache<Layout>(from, shape, head), from_offset,
                          head_cache<Layout>(to, shape, head), to_offset, shape.head_dim);
  }
}

/// Operators over the plain functions of one level; packing is the same at all levels.
class TableOperators final : public Operators {
 public:
  TableOperators(CpuLevel level, const KernelTable& table) : level_(level), table_(table) {}

  [[nodiscard]] CpuLevel level() const override { return level_; }
  [[nodiscard]] Result<PackedMatrix> pack(TensorType type,
                                          int64_t rows,
                                          int64_t cols,
                                          std::span<const std::byte> bytes) const override {
    return pack_matrix(type, rows, cols, bytes);
  }
  [[nodiscard]] Result<size_t> packed_bytes(TensorType type,
                                            int64_t rows,
                                            int64_t cols) const override {
    return kernels::packed_bytes(type, rows, cols);
  }
  void pack_rows(const PackedMatrix& matrix,
                 int64_t first,
                 int64_t count,
                 std::span<const std::byte> bytes) const override {
    kernels::pack_rows(matrix, first, count, bytes);
  }
  [[nodiscard]] std::vector<std::byte> unpack(const PackedMatrix& matrix) const override {
    return unpack_matrix(matrix);
  }
  void dequantise_row(const PackedMatrix& matrix, int64_t row, float* out) const override {
    dequantise_packed_row(matrix, row, out);
  }
  void norm(const float* x, const NormArgs& args, int64_t width, float* out) const override {
    table_.norm(x, args, width, out);
  }
  void quantise_row(const ActivationBuffer& buffer, int64_t row) const override {
    fill_twins(buffer.values + row * buffer.cols, buffer, row);
  }
  void norm_quantise_row(const float* x,
                         const NormArgs& args,
                         const ActivationBuffer& buffer,
                         int64_t row) const override {
    float* out = buffer.values != nullptr
                     ? buffer.values + row * buffer.cols
                     : static_cast<float*>(thread_scratch(kScratchSums, buffer.cols * 4));
    table_.norm(x, args, buffer.cols, out);
    fill_twins(out, buffer, row);
  }
  void linear(const LinearArgs& args, int64_t begin, int64_t end) const override;
  void linear_gated(const GatedLinearArgs& args, int64_t begin, int64_t end) const override;
  [[nodiscard]] int64_t row_group() const override { return kGroupRows; }
  void rope(float* head, const RopeArgs& args) const override { table_.rope(head, args); }
  void store_kv(const float* keys,
                const float* values,
                const AttentionShape& shape,
                const KvPage& page,
                int64_t offset) const override {
    table_.store_kv(keys, values, shape, page, offset);
  }
  void copy_kv(const AttentionShape& shape,
               const KvPage& from,
               int64_t from_offset,
               const KvPage& to,
               int64_t to_offset) const override;
  void attention(std::span<const AttentionQuery> queries,
                 const AttentionShape& shape,
                 int64_t kv_head) const override {
    table_.attention({.queries = queries.data(),
                      .count = static_cast<int64_t>(queries.size()),
                      .shape = shape,
                      .kv_head = kv_head});
  }
  void attention_part(std::span<const AttentionQuery> queries,
                      const AttentionShape& shape,
                      int64_t kv_head,
                      int64_t segment,
                      float* partials) const override {
    table_.attention({.queries = queries.data(),
                      .count = static_cast<int64_t>(queries.size()),
                      .shape = shape,
                      .kv_head = kv_head,
                      .first = segment * kAttentionSegment,
                      .end = (segment + 1) * kAttentionSegment,
                      .partials = partials});
  }
  void merge_attention(std::span<const AttentionQuery> queries,
                       const AttentionShape& shape,
                       int64_t kv_head,
                       int64_t parts,
                       float* partials) const override {
    table_.merge_attention({.queries = queries.data(),
                            .count = static_cast<int64_t>(queries.size()),
                            .shape = shape,
                            .kv_head = kv_head,
                            .partials = partials},
                           parts);
  }
  void gate(
      const float* gate, const float* up, int64_t count, GateKind kind, float* out) const override {
    table_.gate(gate, up, count, kind, out);
  }
  void add(float* x, const float* y, int64_t count) const override { table_.add(x, y, count); }
  void add_scaled(float* x, float factor, const float* y, int64_t count) const override {
    table_.add_scaled(x, factor, y, count);
  }
  [[nodiscard]] double log_sum_exp(const float* x, int64_t count) const override {
    return table_.log_sum_exp(x, count);
  }

 private:
  void fill_twins(const float* x, const ActivationBuffer& buffer, int64_t row) const {
    if (buffer.quants != nullptr) {
      table_.quantise_row(x, buffer, row);
    }
    if (buffer.bf16 != nullptr) {
      table_.round_row(x, buffer.cols, buffer.bf16 + row * buffer.cols);
    }
  }
  [[nodiscard]] LinearFunction function(Format format, const ActivationRows& input) const;
  void run(const PackedMatrix& weight, LinearTask task) const;

  CpuLevel level_;
  const KernelTable& table_;
};

LinearFunction TableOperators::function(Format format, const ActivationRows& input) const {
  if (format == kFormatBf16 && input.bf16 != nullptr) {
    return table_.linear_bf16;
  }
  const LinearFunction int8 = table_.linear_int8[format];
  return input.quants != nullptr && int8 != nullptr ? int8 : table_.linear_f32[format];
}

void TableOperators::run(const PackedMatrix& weight, LinearTask task) const {
  const std::optional<Format> format = format_of(weight.type);
  CUPEL_CHECK(format.has_value(), "linear on a type without kernels");
  CUPEL_CHECK(task.input.cols == weight.cols, "activations and weight differ in columns");
  CUPEL_CHECK(task.begin % kGroupRows == 0 && task.end <= weight.rows, "range of linear");
  task.data = reinterpret_cast<const unsigned char*>(weight.data);
  function(*format, task.input)(task);
}

void TableOperators::linear(const LinearArgs& args, int64_t begin, int64_t end) const {
  run(*args.weight, {.bias = args.bias,
                     .input = args.input,
                     .output = args.output,
                     .output_stride = args.output_stride,
                     .begin = begin,
                     .end = end,
                     .add = args.epilogue == LinearEpilogue::kAdd});
}

void TableOperators::linear_gated(const GatedLinearArgs& args, int64_t begin, int64_t end) const {
  const int64_t rows = args.input.rows;
  const int64_t width = end - begin;
  auto* gates = static_cast<float*>(thread_scratch(kScratchGates, 2 * rows * width * 4));
  float* ups = args.up == nullptr ? nullptr : gates + rows * width;
  LinearTask task = {.bias = args.gate_bias,
                     .input = args.input,
                     .output = gates,
                     .output_stride = width,
                     .output_row = begin,
                     .begin = begin,
                     .end = end};
  run(*args.gate, task);
  if (ups != nullptr) {
    task.bias = args.up_bias;
    task.output = ups;
    run(*args.up, task);
  }
  for (int64_t t = 0; t < rows; ++t) {
    table_.gate(gates + t * width, ups == nullptr ? nullptr : ups + t * width, width,
                args.activation, args.output + t * args.output_stride + begin);
  }
}

void TableOperators::copy_kv(const AttentionShape& shape,
                             const KvPage& from,
                             int64_t from_offset,
                             const KvPage& to,
                             int64_t to_offset) const {
  if (shape.cache == CacheType::kFloat32) {
    copy_heads<FloatCacheLayout>(shape, from, from_offset, to, to_offset);
  } else {
    copy_heads<Int16CacheLayout>(shape, from, from_offset, to, to_offset);
  }
}

}  // namespace

std::unique_ptr<const Operators> make_table_operators(CpuLevel level, const KernelTable& table) {
  return std::make_unique<TableOperators>(level, table);
}

}  // namespace cupel::engine::kernels
