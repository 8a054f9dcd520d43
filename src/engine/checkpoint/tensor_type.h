#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cupel::engine {

/// How the numbers of a tensor are stored. Values are GGUF's type ids; from `kFirstForeignType` on
/// they are our own, for types that only safetensors files hold.
///
/// A quantised row is a sequence of blocks; a block holds `block_elements` consecutive numbers of
/// the contiguous dimension in `block_bytes` bytes. Layouts: quant.h.
enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kBF16 = 30,
  kU8 = 1000,
  kU16 = 1001,
  kU32 = 1002,
  kU64 = 1003,
  kBool = 1004,
  kF8E4M3 = 1005,  ///< 1 + 4 + 3 bits, bias 7, no infinities ("e4m3fn")
  kF8E5M2 = 1006,  ///< 1 + 5 + 2 bits: the upper half of an F16
};
constexpr uint32_t kFirstForeignType = 1000;

/// Name, block shape and abilities of one type.
struct TensorTypeInfo {
  TensorType type = TensorType::kF32;
  std::string_view name;        ///< as GGUF tools write it, e.g. "Q4_1"
  uint32_t block_elements = 1;  ///< numbers in a block
  uint32_t block_bytes = 4;     ///< bytes of a block
  bool readable = false;        ///< dequantize_row (quant.h) can read it
  bool writable = false;        ///< quantize_row (quant.h) can write it
};

/// Every type that a file may hold. Errors: none; all enumerators have an entry.
const TensorTypeInfo& tensor_type_info(TensorType type);
/// The type with that GGUF id, or nothing for ids that are unknown, removed from the format, or of
/// a block shape that Cupel does not know.
std::optional<TensorType> tensor_type_from_id(uint32_t id);
/// The name of an id for messages: also of types that Cupel only knows by name; "unknown" for
/// others.
std::string_view tensor_type_id_name(uint32_t id);
/// The type of that name, letter case ignored ("q8_0", "Q8_0"), or nothing.
std::optional<TensorType> parse_tensor_type(std::string_view name);

inline std::string_view tensor_type_name(TensorType type) {
  return tensor_type_info(type).name;
}
/// Bytes of a row of `elements` numbers; `elements` is a multiple of the block and below 2^56.
inline uint64_t row_bytes(TensorType type, uint64_t elements) {
  const TensorTypeInfo& info = tensor_type_info(type);
  return elements / info.block_elements * info.block_bytes;
}

}  // namespace cupel::engine
