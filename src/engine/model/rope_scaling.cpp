#include "engine/model/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr double kPi = 3.14159265358979323846;

double frequency(double base, int64_t i, int64_t dim) {
  return std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
}

/// The dimension that turns `turns` times over the original context.
double dimension_of_turns(const YarnScaling& scaling, double turns, double base, int64_t dim) {
  return static_cast<double>(dim) * std::log(scaling.original_context / (turns * 2 * kPi)) /
         (2 * std::log(base));
}

/// The factors of a tensor with one number per pair; empty when the file has no such tensor.
Result<std::vector<float>> tensor_factors(const Checkpoint& file,
                                          std::string_view name,
                                          int64_t rotary_dim) {
  const CheckpointTensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    return std::vector<float>{};
  }
  if (tensor->type != TensorType::kF32 ||
      tensor->elements() != static_cast<uint64_t>(rotary_dim / 2)) {
    return corrupt_data("{}: {} is {} {}; expected f32 with one factor per pair, {}", file.path(),
                        name, tensor_type_name(tensor->type), tensor->shape(), rotary_dim / 2);
  }
  std::vector<float> factors(tensor->elements());
  std::memcpy(factors.data(), tensor->data.data(), tensor->data.size());
  if (std::any_of(factors.begin(), factors.end(),
                  [](float f) { return !std::isfinite(f) || f <= 0; })) {
    return corrupt_data("{}: {} holds a factor that is no positive number", file.path(), name);
  }
  return factors;
}

Result<Ok> describe_yarn(MetadataReader& read, double factor, RopeDescription& rope) {
  YarnScaling yarn{.factor = factor};
  CUPEL_TRY(yarn.original_context, read.positive("rope.scaling.original_context_length"));
  CUPEL_TRY(yarn.beta_fast, read.positive_or("rope.scaling.yarn_beta_fast", 32));
  CUPEL_TRY(yarn.beta_slow, read.positive_or("rope.scaling.yarn_beta_slow", 1));
  CUPEL_TRY(yarn.whole_dimensions, read.flag_or("rope.scaling.yarn_truncate", true));
  CUPEL_TRY(rope.magnitude, read.positive_or("rope.scaling.attn_factor", yarn_magnitude(factor)));
  rope.frequency_factors = yarn_factors(yarn, rope.base, rope.rotary_dim);
  return Ok{};
}

Result<Ok> describe_long_rope(MetadataReader& read,
                              int64_t context_length,
                              std::vector<float> long_factors,
                              RopeDescription& rope) {
  CUPEL_TRY(rope.frequency_factors,
            tensor_factors(read.file(), "rope_factors_short.weight", rope.rotary_dim));
  if (rope.frequency_factors.empty()) {
    return corrupt_data("{}: has rope_factors_long.weight but no rope_factors_short.weight",
                        read.file().path());
  }
  rope.long_factors = std::move(long_factors);
  CUPEL_TRY(rope.long_from, read.size("rope.scaling.original_context_length", int64_t{1} << 28));
  const double magnitude =
      long_rope_magnitude(static_cast<double>(context_length), static_cast<double>(rope.long_from));
  CUPEL_TRY(rope.magnitude, read.positive_or("rope.scaling.attn_factor", magnitude));
  return Ok{};
}

Result<Ok> describe_scaling(MetadataReader& read, int64_t context_length, RopeDescription& rope) {
  CUPEL_TRY(const std::string type, read.text_or("rope.scaling.type", "none"));
  CUPEL_TRY(const double factor, read.positive_or("rope.scaling.factor", 1));
  // Converters state these of models without scaling as well.
  read.ignore("rope.scaling.finetuned");
  read.ignore("rope.scaling.original_context_length");
  if (type == "linear") {
    rope.position_scale = 1 / factor;
    return Ok{};
  }
  if (type == "yarn") {
    return describe_yarn(read, factor, rope);
  }
  if (type == "dynamic") {
    CUPEL_TRY(rope.dynamic_from,
              read.size("rope.scaling.original_context_length", int64_t{1} << 28));
    rope.dynamic_factor = factor;
    return Ok{};
  }
  if (type != "none" && type != "longrope") {
    return unsupported("{}: {} is \"{}\"; supported: none, linear, dynamic, yarn, longrope",
                       read.file().path(), read.key("rope.scaling.type"), printable(type));
  }
  CUPEL_TRY(std::vector<float> long_factors,
            tensor_factors(read.file(), "rope_factors_long.weight", rope.rotary_dim));
  if (!long_factors.empty()) {
    return describe_long_rope(read, context_length, std::move(long_factors), rope);
  }
  if (type == "longrope") {
    return corrupt_data("{}: {} is \"longrope\" but rope_factors_long.weight is missing",
                        read.file().path(), read.key("rope.scaling.type"));
  }
  CUPEL_TRY(rope.frequency_factors,
            tensor_factors(read.file(), "rope_freqs.weight", rope.rotary_dim));
  return Ok{};
}

}  // namespace

std::vector<float> llama3_factors(const Llama3Scaling& scaling, double base, int64_t dim) {
  std::vector<float> factors;
  for (int64_t i = 0; i < dim / 2; ++i) {
    const double wavelength = 2 * kPi / frequency(base, i, dim);
    double factor = 1;
    if (wavelength > scaling.original_context / scaling.low_factor) {
      factor = scaling.factor;
    } else if (wavelength > scaling.original_context / scaling.high_factor) {
      const double smooth = (scaling.original_context / wavelength - scaling.low_factor) /
                            (scaling.high_factor - scaling.low_factor);
      factor = 1 / ((1 - smooth) / scaling.factor + smooth);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

std::vector<float> yarn_factors(const YarnScaling& scaling, double base, int64_t dim) {
  double low = dimension_of_turns(scaling, scaling.beta_fast, base, dim);
  double high = dimension_of_turns(scaling, scaling.beta_slow, base, dim);
  if (scaling.whole_dimensions) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  high = high == low ? high + 0.001 : high;  // a step, without dividing by zero
  std::vector<float> factors;
  for (int64_t i = 0; i < dim / 2; ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    factors.push_back(static_cast<float>(1 / (ramp / scaling.factor + (1 - ramp))));
  }
  return factors;
}

double yarn_magnitude(double factor) {
  return factor <= 1 ? 1 : 0.1 * std::log(factor) + 1;
}

double long_rope_magnitude(double context, double original) {
  return context <= original ? 1 : std::sqrt(1 + std::log(context / original) / std::log(original));
}

DualChunkPositions dual_chunk_positions(const DualChunkDescription& dual, int64_t position) {
  const int64_t own = position % dual.chunk;
  const int64_t farthest = dual.window - 1;
  return {.own = own, .recent = std::min(dual.chunk + own, farthest), .older = farthest};
}

Result<Ok> describe_rope(MetadataReader& read, int64_t context_length, RopeDescription& rope) {
  CUPEL_TRY(rope.base, read.positive_or("rope.freq_base", 10000));
  return describe_scaling(read, context_length, rope);
}

}  // namespace cupel::engine
