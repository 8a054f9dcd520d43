#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "engine/model/description.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine {

/// Llama 3.1: frequencies whose wavelength exceeds original / low_factor are divided by `factor`,
/// those below original / high_factor stay, between them both are mixed. What each frequency
/// base^(-2i / dim) is divided by, [dim / 2].
struct Llama3Scaling {
  double factor = 8;
  double low_factor = 1;
  double high_factor = 4;
  double original_context = 8192;
};
std::vector<float> llama3_factors(const Llama3Scaling& scaling, double base, int64_t dim);

/// YaRN (arXiv 2309.00071): frequencies that turn less than beta_slow times over the original
/// context are divided by `factor`, those that turn more than beta_fast times stay, a ramp over the
/// dimensions between them.
struct YarnScaling {
  double factor = 1;
  double original_context = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  bool whole_dimensions = true;  ///< the ramp's ends are rounded outwards
};
std::vector<float> yarn_factors(const YarnScaling& scaling, double base, int64_t dim);
/// What cos and sin are multiplied by: 0.1 ln s + 1, 1 for s ≤ 1.
double yarn_magnitude(double factor);

/// LongRoPE (Phi-3): √(1 + ln(context / original) / ln original), 1 when the context is not longer.
double long_rope_magnitude(double context, double original);

/// Positions that a query at `position` rotates by under dual chunk attention: for the keys of its
/// own chunk, of the chunk before, and of older ones. Keys rotate by position mod chunk.
struct DualChunkPositions {
  int64_t own;
  int64_t recent;
  int64_t older;
};
DualChunkPositions dual_chunk_positions(const DualChunkDescription& dual, int64_t position);

/// Reads `<prefix>.rope.*` and the tensors rope_freqs, rope_factors_long and rope_factors_short
/// into `rope`, whose rotary_dim is set. Errors: kUnsupported, kCorruptData - by key.
Result<Ok> describe_rope(MetadataReader& read, int64_t context_length, RopeDescription& rope);

}  // namespace cupel::engine
