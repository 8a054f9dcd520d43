#pragma once

#include <cstddef>
#include <span>

#include "engine/model/description.h"

namespace cupel::engine {

/// The vector of a text from the encoder's rows, [tokens, width], as sentence-transformers makes
/// it: the poolings one after another, then normalised where the description says so.
void pool_rows(std::span<const float> rows,
               size_t width,
               const EncoderDescription& encoder,
               std::span<float> vector);

/// Divides by the length, where it is not 0.
void normalize_length(std::span<float> vector);

}  // namespace cupel::engine
