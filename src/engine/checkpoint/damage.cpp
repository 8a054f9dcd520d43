#include "engine/checkpoint/damage.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"

namespace cupel::engine {
namespace {

constexpr uint64_t kGroup = 32;

uint64_t stream_of(std::string_view name) {
  uint64_t stream = 0;
  for (const char c : name) {
    stream = mix64(stream ^ static_cast<unsigned char>(c));
  }
  return stream;
}

Result<Ok> check_options(const NoiseOptions& options) {
  if (!(options.scale >= 0 && options.scale <= 100)) {
    return invalid_argument("noise scale {} is out of range; expected 0 to 100", options.scale);
  }
  if (!(options.fraction >= 0 && options.fraction <= 1)) {
    return invalid_argument("noise fraction {} is out of range; expected 0 to 1", options.fraction);
  }
  return Ok{};
}

// Adds the noise of one group in place.
void perturb(std::span<float> weights, double scale, Rng rng) {
  double squares = 0;
  for (const float w : weights) {
    squares += static_cast<double>(w) * w;
  }
  const double deviation = scale * std::sqrt(squares / static_cast<double>(weights.size()));
  for (float& w : weights) {
    // 60000 is below the largest f16, so no scale or minimum of any type overflows.
    w = static_cast<float>(std::clamp(w + deviation * rng.normal(), -60000.0, 60000.0));
  }
}

}  // namespace

Result<std::vector<std::byte>> damaged_copy(const CheckpointTensor& tensor,
                                            const NoiseOptions& options) {
  CUPEL_TRY_VOID(check_options(options));
  const TensorTypeInfo& info = tensor_type_info(tensor.type);
  if (!info.writable ||
      info.block_elements > kGroup) {  // a group is encoded without its neighbours
    return unsupported(
        "tensor \"{}\" is {}: noise needs a type of small blocks (F32, F16, BF16, "
        "Q4_0, Q4_1, Q5_0, Q5_1, Q8_0)",
        printable(tensor.name), info.name);
  }
  std::vector<std::byte> result(tensor.data.begin(), tensor.data.end());
  const uint64_t groups_per_row = (tensor.columns() + kGroup - 1) / kGroup;
  const uint64_t stream = stream_of(tensor.name);
  float weights[kGroup];
  for (uint64_t group = 0; group < tensor.rows() * groups_per_row; ++group) {
    if (random_unit(options.seed, stream, group) >= options.fraction) {
      continue;
    }
    const uint64_t row = group / groups_per_row;
    const uint64_t column = group % groups_per_row * kGroup;
    const auto values = std::span(weights).first(std::min(kGroup, tensor.columns() - column));
    const auto blocks =
        std::span(result).subspan(row * tensor.row_bytes() + row_bytes(tensor.type, column),
                                  row_bytes(tensor.type, values.size()));
    CUPEL_TRY_VOID(dequantize_row(tensor.type, blocks, values));
    perturb(values, options.scale, Rng(options.seed, mix64(stream + group)));
    if (auto done = quantize_row(tensor.type, values, blocks); !done) {
      return corrupt_data("tensor \"{}\" row {}: {}", printable(tensor.name), row,
                          done.error().message);
    }
  }
  return result;
}

}  // namespace cupel::engine
