#include "engine/model/hf/rope_config.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/rope_scaling.h"

namespace cupel::engine::hf {
namespace {

constexpr int64_t kMostPositions = int64_t{1} << 28;

/// Where the settings stand, and what else they depend on.
struct Place {
  ConfigReader* scaling;  // rope_parameters or rope_scaling
  double base;
  int64_t rotary_dim;
  int64_t context;
  int64_t original;  // original_max_position_embeddings
};

Result<Ok> translate_llama3(const Place& place, Translation& out) {
  Llama3Scaling scaling;
  CUPEL_TRY(scaling.factor, place.scaling->number("factor"));
  CUPEL_TRY(scaling.low_factor, place.scaling->number("low_freq_factor"));
  CUPEL_TRY(scaling.high_factor, place.scaling->number("high_freq_factor"));
  scaling.original_context = static_cast<double>(place.original);
  const bool sane = scaling.factor > 0 && scaling.low_factor > 0 &&
                    scaling.high_factor > scaling.low_factor && scaling.original_context > 0;
  if (!sane) {
    return corrupt_data(
        "{}: factors of llama3 scaling must be positive and low_freq_factor below "
        "high_freq_factor",
        place.scaling->place());
  }
  out.vectors.emplace_back("rope_freqs.weight",
                           llama3_factors(scaling, place.base, place.rotary_dim));
  return Ok{};
}

Result<Ok> translate_yarn(const Place& place, Translation& out) {
  ConfigReader& scaling = *place.scaling;
  CUPEL_TRY(const double factor, scaling.number("factor"));
  CUPEL_TRY(const double fast, scaling.number_or("beta_fast", 32));
  CUPEL_TRY(const double slow, scaling.number_or("beta_slow", 1));
  CUPEL_TRY(const bool truncate, scaling.flag_or("truncate", true));
  CUPEL_TRY(const double attention, scaling.number_or("attention_factor", yarn_magnitude(factor)));
  for (const std::string_view key : {"mscale", "mscale_all_dim"}) {
    if (scaling.contains(key)) {
      return unsupported("{}: \"{}\" is not supported", scaling.place(), key);
    }
  }
  out.set_text("rope.scaling.type", "yarn");
  out.set_number("rope.scaling.factor", factor);
  out.set_size("rope.scaling.original_context_length", place.original);
  out.set_number("rope.scaling.yarn_beta_fast", fast);
  out.set_number("rope.scaling.yarn_beta_slow", slow);
  out.set_flag("rope.scaling.yarn_truncate", truncate);
  out.set_number("rope.scaling.attn_factor", attention);
  return Ok{};
}

Result<std::vector<float>> long_rope_factors(const Place& place, std::string_view key) {
  CUPEL_TRY(std::vector<float> factors, place.scaling->numbers(key));
  if (std::ssize(factors) != place.rotary_dim / 2) {
    return corrupt_data("{}: \"{}\" has {} numbers; expected one per pair of rotary dimensions, {}",
                        place.scaling->place(), key, factors.size(), place.rotary_dim / 2);
  }
  return factors;
}

/// As stated, else by how much the context was stretched. "factor" says that as well; where it says
/// something else, versions of transformers differ in what they follow.
Result<double> long_rope_attention_factor(const Place& place) {
  ConfigReader& scaling = *place.scaling;
  const auto original = static_cast<double>(place.original);
  const double longer = static_cast<double>(place.context) / original;
  CUPEL_TRY(const double factor, scaling.number_or("factor", longer));
  if (scaling.contains("attention_factor")) {
    return scaling.number("attention_factor");
  }
  const double magnitude = long_rope_magnitude(static_cast<double>(place.context), original);
  const bool stated = scaling.contains("long_mscale") && scaling.contains("short_mscale");
  if (!stated && std::fabs(long_rope_magnitude(factor * original, original) - magnitude) > 1e-6) {
    return unsupported(
        "{}: \"factor\" is {}, but max_position_embeddings is {} times "
        "original_max_position_embeddings; supported: the same number for both",
        scaling.place(), factor, longer);
  }
  return magnitude;
}

Result<Ok> translate_long_rope(const Place& place, Translation& out) {
  ConfigReader& scaling = *place.scaling;
  CUPEL_TRY(std::vector<float> long_factors, long_rope_factors(place, "long_factor"));
  CUPEL_TRY(std::vector<float> short_factors, long_rope_factors(place, "short_factor"));
  CUPEL_TRY(const double magnitude, long_rope_attention_factor(place));
  CUPEL_TRY(const double long_scale, scaling.number_or("long_mscale", magnitude));
  CUPEL_TRY(const double short_scale, scaling.number_or("short_mscale", magnitude));
  if (long_scale != short_scale) {
    return unsupported(
        "{}: \"long_mscale\" is {} and \"short_mscale\" {}; supported: the same number for both",
        scaling.place(), long_scale, short_scale);
  }
  out.set_text("rope.scaling.type", "longrope");
  out.set_size("rope.scaling.original_context_length", place.original);
  out.set_number("rope.scaling.attn_factor", short_scale);
  out.vectors.emplace_back("rope_factors_long.weight", std::move(long_factors));
  out.vectors.emplace_back("rope_factors_short.weight", std::move(short_factors));
  return Ok{};
}

Result<Ok> translate_scaling(const Place& place, Translation& out) {
  ConfigReader& scaling = *place.scaling;
  CUPEL_TRY(const std::string older, scaling.text_or("type", "default"));
  CUPEL_TRY(const std::string type, scaling.text_or("rope_type", older));
  scaling.ignore({"rope_theta", "partial_rotary_factor"});
  if (type == "default") {
    return Ok{};
  }
  if (type == "llama3") {
    return translate_llama3(place, out);
  }
  if (type == "yarn") {
    return translate_yarn(place, out);
  }
  if (type == "longrope" || type == "su") {
    return translate_long_rope(place, out);
  }
  if (type != "linear" && type != "dynamic") {
    return unsupported(
        "{}: \"rope_type\" is \"{}\"; supported: default, linear, dynamic, llama3, "
        "yarn, longrope",
        scaling.place(), printable(type));
  }
  CUPEL_TRY(const double factor, scaling.number("factor"));
  out.set_text("rope.scaling.type", type);
  out.set_number("rope.scaling.factor", factor);
  if (type == "dynamic") {
    out.set_size("rope.scaling.original_context_length", place.context);
  }
  return Ok{};
}

/// Of the top level or of the scaling. Errors: kUnsupported - both say it, and not the same.
Result<int64_t> original_context(ConfigReader& config,
                                 ConfigReader& scaling,
                                 const AbsentKeys& absent,
                                 int64_t context) {
  constexpr std::string_view kKey = "original_max_position_embeddings";
  CUPEL_TRY(const int64_t top, config.integer_or(kKey, absent.original_max_position_embeddings));
  CUPEL_TRY(const int64_t inner, scaling.integer_or(kKey, top > 0 ? top : context));
  if (inner <= 0 || inner > kMostPositions) {
    return corrupt_data("{}: \"{}\" is {}; expected 1 to {}", scaling.place(), kKey, inner,
                        kMostPositions);
  }
  if (top > 0 && inner != top) {
    return unsupported("{}: \"{}\" is {}, but {} beside it; supported: the same number for both",
                       scaling.place(), kKey, inner, top);
  }
  return inner;
}

Result<int64_t> rotary_dimensions(ConfigReader& config,
                                  ConfigReader& scaling,
                                  const AbsentKeys& absent) {
  CUPEL_TRY(const int64_t width, config.integer("hidden_size"));
  CUPEL_TRY(const int64_t heads, config.integer("num_attention_heads"));
  CUPEL_TRY(const int64_t head_dim, config.integer_or("head_dim", heads > 0 ? width / heads : 0));
  const double silent = absent.partial_rotary_factor.value_or(1);
  CUPEL_TRY(const double top, config.number_or("partial_rotary_factor", silent));
  CUPEL_TRY(const double partial, scaling.number_or("partial_rotary_factor", top));
  if (!absent.partial_rotary_factor && partial != 1) {
    return unsupported(
        "{}: \"partial_rotary_factor\" is {}; in this family all of a head rotates, so only 1 is "
        "supported",
        config.place(), partial);
  }
  const double dims = static_cast<double>(head_dim) * partial;
  return dims >= 1 && dims <= 1e6 ? static_cast<int64_t>(dims) : 0;
}

/// `object`: rope_parameters, one kind of layer's part of it, or rope_scaling; an empty one when
/// there is none.
Result<Ok> translate_kind(ConfigReader& config, const Json& object, Translation& out) {
  ConfigReader scaling(object, config.place() + ": rope_parameters");
  Place place{.scaling = &scaling};
  CUPEL_TRY(const double top_base, config.number_or("rope_theta", out.absent.rope_theta));
  CUPEL_TRY(place.base, scaling.number_or("rope_theta", top_base));
  CUPEL_TRY(place.rotary_dim, rotary_dimensions(config, scaling, out.absent));
  CUPEL_TRY(place.context, config.integer("max_position_embeddings"));
  if (!(place.base > 0) || place.rotary_dim <= 0) {
    return corrupt_data("{}: rope_theta and the rotary part of a head must be positive",
                        config.place());
  }
  out.set_number("rope.freq_base", place.base);
  out.set_size("rope.dimension_count", place.rotary_dim);
  CUPEL_TRY(place.original, original_context(config, scaling, out.absent, place.context));
  CUPEL_TRY_VOID(translate_scaling(place, out));
  return scaling.refuse_unread();
}

/// The base of layers with a window where they have their own.
Result<Ok> translate_local(const Json& object, const std::string& place, Translation& out) {
  ConfigReader local(object, place);
  CUPEL_TRY_VOID(local.expect_text("rope_type", {"default"}));
  CUPEL_TRY(const double base, local.number("rope_theta"));
  out.set_number("rope.freq_base_swa", base);
  return local.refuse_unread();
}

}  // namespace

Result<Ok> translate_rope(ConfigReader& config, Translation& out) {
  const Json none = Json::object();
  const Json* object = config.find("rope_parameters");
  const Json* older = config.find("rope_scaling");
  if (object != nullptr && older != nullptr && older->is_object() && older->size() > 0) {
    return unsupported("{}: holds both \"rope_parameters\" and \"rope_scaling\"; expected one",
                       config.place());
  }
  object = object != nullptr ? object : older != nullptr ? older : &none;
  if (!object->is_object()) {
    return corrupt_data("{}: rope_parameters is {}; expected an object", config.place(),
                        object->type_name());
  }
  const Json* full = object->find("full_attention");
  if (full == nullptr) {
    if (config.contains("rope_local_base_freq")) {
      CUPEL_TRY(const double base, config.number("rope_local_base_freq"));
      out.set_number("rope.freq_base_swa", base);
    }
    return translate_kind(config, *object, out);
  }
  const Json* local = object->find("sliding_attention");
  if (!full->is_object() || (local != nullptr && !local->is_object()) ||
      object->size() != (local == nullptr ? 1U : 2U)) {
    return unsupported(
        "{}: rope_parameters holds other kinds of layers than full_attention and "
        "sliding_attention",
        config.place());
  }
  if (local != nullptr) {
    CUPEL_TRY_VOID(
        translate_local(*local, config.place() + ": rope_parameters.sliding_attention", out));
  }
  return translate_kind(config, *full, out);
}

}  // namespace cupel::engine::hf
