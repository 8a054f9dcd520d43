#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/checkpoint/half.h"
#include "engine/checkpoint/quant.h"
#include "engine/kernels/operators.h"
#include "engine/kernels/outliers.h"
#include "engine/kernels/packing.h"

// What the kernel tests share: levels to test, random weights of every format, activation buffers.

namespace cupel::engine::test {

/// One table under test: a level of this machine, or an emulated one.
struct KernelLevel {
  std::string name;
  const Operators* ops = nullptr;  // nullptr: not available, `reason` says why
  std::string reason;
};

/// scalar, avx2, avx512, amx and the last two emulated ({avx512,amx}_emulation.h).
const std::vector<KernelLevel>& kernel_levels();
/// The compiler leaves the upper halves of vector registers dirty in the emulated level, which
/// makes scalar code a hundred times slower on some CPUs. Clears them.
void leave_vector_code();
/// The oracle.
const Operators& scalar_ops();

inline void PrintTo(const KernelLevel& level, std::ostream* out) {
  *out << level.name;
}
inline std::string level_test_name(const testing::TestParamInfo<KernelLevel>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    c = c == ' ' ? '_' : c;
  }
  return name;
}

/// A suite that runs once per level and names the levels that this machine lacks as skipped.
class KernelTest : public testing::TestWithParam<KernelLevel> {
 protected:
  void SetUp() override {
    leave_vector_code();
    if (GetParam().ops == nullptr) {
      GTEST_SKIP() << GetParam().reason;
    }
  }
  static const Operators& ops() { return *GetParam().ops; }
};
#define CUPEL_KERNEL_SUITE(suite) \
  INSTANTIATE_TEST_SUITE_P(Levels, suite, testing::ValuesIn(kernel_levels()), level_test_name)

using kernels::kernel_types;
inline int64_t column_step(TensorType type) {
  const int64_t block = tensor_type_info(type).block_elements;
  return block > 32 ? block : 32;
}

/// Writes a random f16 of moderate size at `p`.
inline void put_half(std::byte* p, float value) {
  const uint16_t half = f32_to_f16(value);
  std::memcpy(p, &half, 2);
}

/// Random bytes of a [rows, cols] matrix: every code occurs, scales are finite and of either sign.
inline std::vector<std::byte> random_weights(TensorType type,
                                             int64_t rows,
                                             int64_t cols,
                                             Rng& rng) {
  const TensorTypeInfo& info = tensor_type_info(type);
  std::vector<std::byte> bytes(static_cast<size_t>(rows) *
                               row_bytes(type, static_cast<uint64_t>(cols)));
  for (std::byte& b : bytes) {
    b = static_cast<std::byte>(rng.below(256));
  }
  const auto half = [&] { return static_cast<float>(rng.normal() * 0.02); };
  for (size_t at = 0; at < bytes.size(); at += info.block_bytes) {
    std::byte* block = bytes.data() + at;
    switch (type) {
      case TensorType::kF32: {
        const float value = half();
        std::memcpy(block, &value, 4);
        break;
      }
      case TensorType::kBF16: {
        const uint16_t value = f32_to_bf16(half());
        std::memcpy(block, &value, 2);
        break;
      }
      case TensorType::kQ6_K:
        put_half(block + 208, half());
        break;
      case TensorType::kQ4_1:
      case TensorType::kQ5_1:
      case TensorType::kQ4_K:
      case TensorType::kQ5_K:
        put_half(block + 2, half());
        [[fallthrough]];
      default:
        put_half(block, half());
    }
  }
  return bytes;
}

/// Activation rows with all buffers.
struct Activation {
  Activation(int64_t rows, int64_t cols)
      : values(static_cast<size_t>(rows * cols)),
        quants(static_cast<size_t>(rows * cols)),
        scales(static_cast<size_t>(rows * cols / 32)),
        sums(static_cast<size_t>(rows * cols / 16)),
        totals(static_cast<size_t>(rows * cols / 32)),
        outliers(static_cast<size_t>(rows * most_outliers(cols))),
        outlier_counts(static_cast<size_t>(rows)),
        columns(static_cast<size_t>(cols)),
        column_entries(outliers.size()),
        column_count(1),
        buffer{rows,
               cols,
               values.data(),
               quants.data(),
               scales.data(),
               sums.data(),
               totals.data(),
               outliers.data(),
               outlier_counts.data(),
               {columns.data(), column_entries.data(), column_count.data()}} {}
  std::vector<float> values;
  std::vector<int8_t> quants;
  std::vector<float> scales;
  std::vector<int16_t> sums;
  std::vector<float> totals;
  std::vector<Outlier> outliers;
  std::vector<int32_t> outlier_counts;
  std::vector<OutlierColumn> columns;
  std::vector<Outlier> column_entries;
  std::vector<int32_t> column_count;
  ActivationBuffer buffer;

  void quantise(const Operators& ops) {
    for (int64_t row = 0; row < buffer.rows; ++row) {
      ops.quantise_row(buffer, row);
    }
    sort_outliers(buffer);
  }
  /// Rows [first, first + count): the int8 twin, or the f32 values. The outliers of these rows are
  /// sorted anew: one such view at a time.
  [[nodiscard]] ActivationRows int8_rows(int64_t first, int64_t count) {
    const int64_t cols = buffer.cols;
    ActivationBuffer some = buffer;
    some.rows = count;
    some.outliers += first * most_outliers(cols);
    some.outlier_counts += first;
    sort_outliers(some);
    return {count,
            cols,
            nullptr,
            quants.data() + first * cols,
            scales.data() + first * (cols / 32),
            sums.data() + first * (cols / 16),
            totals.data() + first * (cols / 32),
            some.outliers,
            some.outlier_counts,
            some.by_column};
  }
  /// What the int8 twin stands for.
  [[nodiscard]] std::vector<double> twin() const {
    std::vector<double> x(values.size());
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<double>(scales[i / 32]) * quants[i];
    }
    for (size_t row = 0; row < outlier_counts.size(); ++row) {
      const size_t most = static_cast<size_t>(most_outliers(buffer.cols));
      for (size_t i = 0; i < static_cast<size_t>(outlier_counts[row]); ++i) {
        const Outlier& outlier = outliers[row * most + i];
        x[row * static_cast<size_t>(buffer.cols) + static_cast<size_t>(outlier.place)] +=
            static_cast<double>(outlier.value);
      }
    }
    return x;
  }
  [[nodiscard]] ActivationRows f32_rows(int64_t first, int64_t count) const {
    return {count, buffer.cols, values.data() + first * buffer.cols};
  }
};

inline Activation random_activation(int64_t rows, int64_t cols, Rng& rng) {
  Activation a(rows, cols);
  for (float& x : a.values) {
    x = static_cast<float>(rng.normal() * (rng.below(20) == 0 ? 30 : 1));
  }
  a.quantise(scalar_ops());
  return a;
}

/// The whole product at one level: [n, rows].
inline std::vector<float> product(const Operators& ops,
                                  const PackedMatrix& weight,
                                  const ActivationRows& input,
                                  const float* bias = nullptr) {
  std::vector<float> out(static_cast<size_t>(input.rows * weight.rows), -1.0F);
  const LinearArgs args = {&weight, bias, input, out.data(), weight.rows, LinearEpilogue::kStore};
  ops.linear(args, 0, weight.rows);
  return out;
}

inline PackedMatrix must_pack(TensorType type,
                              int64_t rows,
                              int64_t cols,
                              const std::vector<std::byte>& bytes) {
  auto packed = scalar_ops().pack(type, rows, cols, bytes);
  EXPECT_TRUE(packed.has_value());
  return packed.value();
}

/// Bit equality of floats, counted: prints the first difference.
inline testing::AssertionResult same_bits(const std::vector<float>& a,
                                          const std::vector<float>& b) {
  if (a.size() != b.size()) {
    return testing::AssertionFailure() << "sizes " << a.size() << " and " << b.size();
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], 4) != 0) {
      return testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace cupel::engine::test
