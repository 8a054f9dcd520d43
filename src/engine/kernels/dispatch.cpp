#include <array>

#include "base/check.h"
#include "base/error.h"
#include "engine/kernels/kernel_table.h"
#include "engine/kernels/operators.h"
#include "engine/kernels/packing.h"

namespace cupel::engine {
namespace {

using kernels::KernelTable;

/// Operators over the plain functions of one level; packing is the same at all levels.
class TableOperators final : public Operators {
 public:
  TableOperators(CpuLevel level, const KernelTable& table) : level_(level), table_(table) {}

  [[nodiscard]] CpuLevel level() const override { return level_; }
  [[nodiscard]] Result<PackedMatrix> pack(TensorType type,
                                          int64_t rows,
                                          int64_t cols,
                                          std::span<const std::byte> bytes) const override {
    return kernels::pack_matrix(type, rows, cols, bytes);
  }
  [[nodiscard]] std::vector<std::byte> unpack(const PackedMatrix& matrix) const override {
    return kernels::unpack_matrix(matrix);
  }
  void dequantise_row(const PackedMatrix& matrix, int64_t row, float* out) const override {
    kernels::dequantise_packed_row(matrix, row, out);
  }
  void rms_norm(
      const float* x, const float* weight, float eps, int64_t width, float* out) const override {
    table_.rms_norm(x, weight, eps, width, out);
  }
  void quantise_row(const ActivationBuffer& buffer, int64_t row) const override {
    table_.quantise_row(buffer.values + row * buffer.cols, buffer, row);
  }
  void norm_quantise_row(const float* x,
                         const float* weight,
                         float eps,
                         const ActivationBuffer& buffer,
                         int64_t row) const override {
    float* out = buffer.values != nullptr
                     ? buffer.values + row * buffer.cols
                     : static_cast<float*>(kernels::thread_scratch(0, buffer.cols * 4));
    table_.rms_norm(x, weight, eps, buffer.cols, out);
    if (buffer.quants != nullptr) {
      table_.quantise_row(out, buffer, row);
    }
  }
  void linear(const LinearArgs& args, int64_t begin, int64_t end) const override;
  [[nodiscard]] int64_t row_group() const override { return kernels::kGroupRows; }
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
  void gate(float* gate, const float* up, int64_t count, GateKind kind) const override {
    table_.gate(gate, up, count, kind);
  }
  void add(float* x, const float* y, int64_t count) const override { table_.add(x, y, count); }
  [[nodiscard]] double log_sum_exp(const float* x, int64_t count) const override {
    return table_.log_sum_exp(x, count);
  }

 private:
  CpuLevel level_;
  const KernelTable& table_;
};

void TableOperators::linear(const LinearArgs& args, int64_t begin, int64_t end) const {
  const PackedMatrix& weight = *args.weight;
  const std::optional<kernels::Format> format = kernels::format_of(weight.type);
  CUPEL_CHECK(format.has_value(), "linear on a type without kernels");
  CUPEL_CHECK(args.input.cols == weight.cols, "activations and weight differ in columns");
  CUPEL_CHECK(begin % kernels::kGroupRows == 0 && end <= weight.rows, "range of linear");
  const kernels::LinearTask task = {.data = reinterpret_cast<const unsigned char*>(weight.data),
                                    .bias = args.bias,
                                    .input = args.input,
                                    .output = args.output,
                                    .output_stride = args.output_stride,
                                    .begin = begin,
                                    .end = end,
                                    .add = args.epilogue == LinearEpilogue::kAdd};
  const kernels::LinearFunction int8 = table_.linear_int8[*format];
  (args.input.quants != nullptr && int8 != nullptr ? int8 : table_.linear_f32[*format])(task);
}

void TableOperators::copy_kv(const AttentionShape& shape,
                             const KvPage& from,
                             int64_t from_offset,
                             const KvPage& to,
                             int64_t to_offset) const {
  for (int64_t i = 0; i < shape.kv_heads * shape.head_dim; ++i) {
    to.keys[i * kPageRows + to_offset] = from.keys[i * kPageRows + from_offset];
  }
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    const uint16_t* source = from.values + (head * kPageRows + from_offset) * shape.head_dim;
    uint16_t* target = to.values + (head * kPageRows + to_offset) * shape.head_dim;
    std::copy(source, source + shape.head_dim, target);
  }
}

struct LevelName {
  CpuLevel level;
  std::string_view name;
};
constexpr std::array<LevelName, 3> kLevels = {
    {{CpuLevel::kScalar, "scalar"}, {CpuLevel::kAvx2, "avx2"}, {CpuLevel::kAvx512, "avx512"}}};

/// libgcc's CPU model also asks XCR0 whether the system saves the wide registers.
bool cpu_has(CpuLevel level) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                    __builtin_cpu_supports("f16c") != 0;
  switch (level) {
    case CpuLevel::kScalar:
      return true;
    case CpuLevel::kAvx2:
      return avx2;
    case CpuLevel::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") != 0 &&
             __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
             __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
  }
  return false;
}

}  // namespace

std::vector<CpuLevel> available_cpu_levels() {
  std::vector<CpuLevel> levels;
  for (const LevelName& entry : kLevels) {
    if (cpu_has(entry.level)) {
      levels.push_back(entry.level);
    }
  }
  return levels;
}

CpuLevel best_cpu_level() {
  return available_cpu_levels().back();
}

std::string_view cpu_level_name(CpuLevel level) {
  return kLevels[static_cast<size_t>(level)].name;
}

Result<CpuLevel> parse_cpu_level(std::string_view name) {
  for (const LevelName& entry : kLevels) {
    if (entry.name == name) {
      return entry.level;
    }
  }
  return invalid_argument("\"{}\" is no CPU level; there are scalar, avx2 and avx512", name);
}

Result<const Operators*> operators_for(CpuLevel level) {
  if (!cpu_has(level)) {
    return unsupported("this CPU lacks the instructions of level {}", cpu_level_name(level));
  }
  static const TableOperators scalar(CpuLevel::kScalar, kernels::scalar_kernels());
  if (level == CpuLevel::kScalar) {
    return static_cast<const Operators*>(&scalar);
  }
  // Built only where the CPU can run them: even making a table runs code of its level.
  if (level == CpuLevel::kAvx2) {
    static const TableOperators avx2(CpuLevel::kAvx2, kernels::avx2_kernels());
    return static_cast<const Operators*>(&avx2);
  }
  static const TableOperators avx512(CpuLevel::kAvx512, kernels::avx512_kernels());
  return static_cast<const Operators*>(&avx512);
}

}  // namespace cupel::engine
