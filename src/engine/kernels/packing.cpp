#include "engine/kernels/packing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/checkpoint/quant.h"
#include "engine/kernels/block_transfer.h"
#include "engine/kernels/large_memory.h"

namespace cupel::engine::kernels {
namespace {

// In the order of Format.
constexpr auto kTypes = std::to_array<TensorType>(
    {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0, TensorType::kQ4_1,
     TensorType::kQ5_0, TensorType::kQ5_1, TensorType::kQ8_0, TensorType::kQ4_K, TensorType::kQ5_K,
     TensorType::kQ6_K});
static_assert(kTypes.size() == kFormatCount, "a tensor type for each format");

// Keeps rows · cols and the byte counts far below 2^63.
constexpr int64_t kMaxSide = int64_t{1} << 28;

Result<Ok> check_shape(TensorType type, int64_t rows, int64_t cols) {
  const TensorTypeInfo& info = tensor_type_info(type);
  if (rows <= 0 || cols <= 0 || rows > kMaxSide || cols > kMaxSide) {
    return invalid_argument("a weight of {} x {} is not a matrix that the kernels take", rows,
                            cols);
  }
  if (cols % kBlockCols != 0 || cols % info.block_elements != 0) {
    return invalid_argument("{} columns of {} are not a multiple of {}", cols, info.name,
                            info.block_elements > kBlockCols ? info.block_elements : kBlockCols);
  }
  return Ok{};
}

/// Calls f(format) with the format as a compile-time constant.
template <int index = 0, typename F>
auto with_format(Format format, F&& f) {
  if constexpr (index + 1 < kFormatCount) {
    if (format != index) {
      return with_format<index + 1>(format, std::forward<F>(f));
    }
  }
  CUPEL_CHECK(format == index, "no such format");
  return f(std::integral_constant<Format, static_cast<Format>(index)>{});
}

Format checked_format(const PackedMatrix& matrix) {
  const std::optional<Format> format = format_of(matrix.type);
  CUPEL_CHECK(format.has_value(), "packed matrix of a type without kernels");
  return *format;
}

}  // namespace

std::span<const TensorType> kernel_types() {
  return kTypes;
}

std::optional<Format> format_of(TensorType type) {
  const auto* const found = std::find(kTypes.begin(), kTypes.end(), type);
  return found == kTypes.end() ? std::nullopt
                               : std::optional(static_cast<Format>(found - kTypes.begin()));
}

Result<size_t> packed_bytes(TensorType type, int64_t rows, int64_t cols) {
  const std::optional<Format> format = format_of(type);
  if (!format) {
    return unsupported("no kernel reads weights of type {}", tensor_type_name(type));
  }
  CUPEL_TRY_VOID(check_shape(type, rows, cols));
  const int64_t groups = (rows + kGroupRows - 1) / kGroupRows;
  return with_format(*format, [&](auto tag) -> Result<size_t> {
    return static_cast<size_t>(groups * BlockTransfer<tag()>::group_bytes(cols));
  });
}

void pack_rows(const PackedMatrix& matrix,
               int64_t first,
               int64_t count,
               std::span<const std::byte> bytes) {
  const int64_t cols = matrix.cols;
  const int64_t end = first + count;
  CUPEL_CHECK(first % kGroupRows == 0 && (count % kGroupRows == 0 || end == matrix.rows) &&
                  count > 0 && end <= matrix.rows,
              "range of rows to pack");
  CUPEL_CHECK(bytes.size() == static_cast<uint64_t>(count) *
                                  row_bytes(matrix.type, static_cast<uint64_t>(cols)),
              "bytes of rows to pack");
  with_format(checked_format(matrix), [&](auto tag) {
    using Transfer = BlockTransfer<tag()>;
    const int64_t group_bytes = Transfer::group_bytes(cols);
    auto* packed = reinterpret_cast<uint8_t*>(matrix.owned.get());
    const auto* file = reinterpret_cast<const uint8_t*>(bytes.data());
    for (int64_t row = first; row < end; row += kGroupRows) {
      uint8_t* out = packed + row / kGroupRows * group_bytes;
      const int64_t rows = end - row < kGroupRows ? end - row : kGroupRows;
      if (rows < kGroupRows) {
        std::memset(out, 0, static_cast<size_t>(group_bytes));
      }
      Transfer::pack_group(file + (row - first) * Transfer::row_bytes(cols), rows, cols, out);
    }
  });
}

Result<PackedMatrix> pack_matrix(TensorType type,
                                 int64_t rows,
                                 int64_t cols,
                                 std::span<const std::byte> bytes) {
  CUPEL_TRY(const size_t size, packed_bytes(type, rows, cols));
  const uint64_t wanted =
      static_cast<uint64_t>(rows) * row_bytes(type, static_cast<uint64_t>(cols));
  if (bytes.size() != wanted) {
    return invalid_argument("a {} x {} matrix of {} takes {} bytes, not {}", rows, cols,
                            tensor_type_name(type), wanted, bytes.size());
  }
  PackedMatrix matrix{.type = type, .rows = rows, .cols = cols};
  CUPEL_TRY(matrix.owned, allocate_weights(size));
  matrix.data = matrix.owned.get();
  pack_rows(matrix, 0, rows, bytes);
  return matrix;
}

std::vector<std::byte> unpack_matrix(const PackedMatrix& matrix) {
  return with_format(checked_format(matrix), [&](auto tag) {
    using Transfer = BlockTransfer<tag()>;
    const int64_t row_size = Transfer::row_bytes(matrix.cols);
    std::vector<std::byte> bytes(static_cast<size_t>(matrix.rows * row_size));
    const auto* packed = reinterpret_cast<const uint8_t*>(matrix.data);
    auto* file = reinterpret_cast<uint8_t*>(bytes.data());
    for (int64_t row = 0; row < matrix.rows; ++row) {
      const uint8_t* group = packed + row / kGroupRows * Transfer::group_bytes(matrix.cols);
      Transfer::unpack_row(group, row % kGroupRows, matrix.cols, file + row * row_size);
    }
    return bytes;
  });
}

void dequantise_packed_row(const PackedMatrix& matrix, int64_t row, float* out) {
  with_format(checked_format(matrix), [&](auto tag) {
    using Transfer = BlockTransfer<tag()>;
    const auto* packed = reinterpret_cast<const uint8_t*>(matrix.data);
    const uint8_t* group = packed + row / kGroupRows * Transfer::group_bytes(matrix.cols);
    const int64_t bytes = Transfer::row_bytes(matrix.cols);
    auto* file = static_cast<uint8_t*>(thread_scratch(kScratchWeights, bytes));
    Transfer::unpack_row(group, row % kGroupRows, matrix.cols, file);
    const auto done = dequantize_row(
        matrix.type, {reinterpret_cast<const std::byte*>(file), static_cast<size_t>(bytes)},
        {out, static_cast<size_t>(matrix.cols)});
    CUPEL_CHECK(done.has_value(), "codec of a packed type");
  });
}

}  // namespace cupel::engine::kernels
