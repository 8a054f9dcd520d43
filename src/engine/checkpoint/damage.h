#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

/// Seeded noise on weights: makes a model worse by a known, repeatable amount, for controls.
struct NoiseOptions {
  uint64_t seed = 0;
  double scale =
      0.5;  ///< standard deviation of the noise over the root mean square of its block, >= 0
  double fraction = 1.0;  ///< share of the blocks of 32 weights that are hit, 0 … 1
};

/// The tensor's bytes with noise: of every 32 consecutive weights, `fraction` of the groups get
/// w + scale · rms(group) · N(0, 1) and are encoded again in the same type; the others keep their
/// bytes. Rows that are no multiple of 32 have a shorter last group.
///
/// The draw is a function of (seed, tensor name, index of the group) alone: it depends neither on
/// threads nor on which other tensors are damaged. Magnitudes are bounded to what the type can
/// hold. Errors: kInvalidArgument - options out of range; kUnsupported - a type without encoder;
/// kCorruptData - a weight of the source is not finite.
Result<std::vector<std::byte>> damaged_copy(const CheckpointTensor& tensor,
                                            const NoiseOptions& options);

}  // namespace cupel::engine
