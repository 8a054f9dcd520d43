#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::engine {

// Block codecs: scalar, the reference that every kernel is held to.
//
// Byte layouts of the blocks (f16 little-endian; a byte holds two 4-bit numbers, the low one
// belongs to the first half of its group): see the comment at each decoder in quant_decode.cpp. All
// arithmetic is f32 in the order of gguf-py, without fused multiply-add: results are equal bit for
// bit on every machine.

/// Decodes a row, or several whole rows one after another.
///
/// Shapes: `out` n numbers, a multiple of the type's block; `blocks` exactly row_bytes(type, n)
/// bytes. Errors: kUnsupported - the type is not readable (tensor_type_info(type).readable).
/// Checked against: tests/engine/codec_decode_test.cpp (gguf-py, 0 ulp).
Result<Ok> dequantize_row(TensorType type, std::span<const std::byte> blocks, std::span<float> out);

/// Encodes a row, or several whole rows: each block by its own extremes, as ggml's reference
/// quantisers; the K types, which have no such rule, as quantize_row_searched.
///
/// Shapes: as dequantize_row. F16 and BF16 round to nearest even.
/// Errors: kUnsupported - the type is not writable; kInvalidArgument - a number is not finite, or
/// so large that the block's scale overflows (names its index). Checked against:
/// tests/engine/codec_encode_test.cpp (worked values).
Result<Ok> quantize_row(TensorType type, std::span<const float> values, std::span<std::byte> out);

/// Encodes a row, or several whole rows, with scales and minima of the least squared error that a
/// search finds (quant_search.h): Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K. Other types as
/// quantize_row.
///
/// Shapes: as quantize_row; `weights` n numbers ≥ 0 that say how much the error of each counts, or
/// none where all count alike. A block whose weights are all 0 counts them alike.
/// Errors: as quantize_row. Cost: 25 to 55 ns a number on one core. Deterministic.
/// Checked against: tests/engine/codec_search_test.cpp (llama.cpp's encoders).
Result<Ok> quantize_row_searched(TensorType type,
                                 std::span<const float> values,
                                 std::span<const float> weights,
                                 std::span<std::byte> out);

}  // namespace cupel::engine
