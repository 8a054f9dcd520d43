#include "engine/model/hf/window_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine::hf {
namespace {

constexpr int64_t kMostLayers = 1024;
constexpr int64_t kFirstWindowLayer = 28;  // where "max_window_layers" is absent

/// Which layers slide by layer_types; empty where it is absent.
Result<std::vector<bool>> listed_layers(ConfigReader& config) {
  CUPEL_TRY(const std::vector<std::string> types, config.texts("layer_types"));
  std::vector<bool> slides;
  for (const std::string& type : types) {
    if (type != "full_attention" && type != "sliding_attention") {
      return unsupported(
          "{}: \"layer_types\" holds \"{}\"; supported: full_attention, "
          "sliding_attention",
          config.place(), printable(type));
    }
    slides.push_back(type == "sliding_attention");
  }
  return slides;
}

/// Sets the layers that slide where the family has an order of its own.
Result<Ok> set_layers(ConfigReader& config, std::vector<bool> slides, Translation& out) {
  const WindowLayers layers = out.absent.windows;
  const bool all = std::find(slides.begin(), slides.end(), false) == slides.end();
  if (layers == WindowLayers::kAlwaysAll && !all) {
    return unsupported(
        "{}: \"layer_types\" holds full_attention; with a window all layers of this model slide",
        config.place());
  }
  if (layers == WindowLayers::kListed && slides.empty()) {
    return unsupported(
        "{}: \"use_sliding_window\" is true, but \"layer_types\" does not say for which layers",
        config.place());
  }
  if (layers == WindowLayers::kFromMaxWindowLayers && slides.empty()) {
    CUPEL_TRY(const int64_t first, config.integer_or("max_window_layers", kFirstWindowLayer));
    CUPEL_TRY(const int64_t count, config.integer("num_hidden_layers"));
    for (int64_t i = 0; i < std::min(count, kMostLayers); ++i) {
      slides.push_back(i >= first);
    }
  }
  if (!slides.empty()) {
    out.set_flags("attention.sliding_window_pattern", slides);
  }
  return Ok{};
}

}  // namespace

Result<Ok> translate_windows(ConfigReader& config, Translation& out) {
  CUPEL_TRY(std::vector<bool> slides, listed_layers(config));
  CUPEL_TRY(const bool used, config.flag_or("use_sliding_window", out.absent.use_sliding_window));
  const int64_t silent = config.states("sliding_window") ? 0 : out.absent.sliding_window;
  CUPEL_TRY(const int64_t window, config.integer_or("sliding_window", silent));
  const bool some = std::find(slides.begin(), slides.end(), true) != slides.end();
  if (some && (!used || window == 0)) {
    return unsupported("{}: \"layer_types\" holds sliding_attention, but \"{}\" {}", config.place(),
                       used ? "sliding_window" : "use_sliding_window",
                       used ? "is not set" : "is false");
  }
  if (!used || window == 0) {
    return Ok{};
  }
  out.set_size("attention.sliding_window", window);
  return set_layers(config, std::move(slides), out);
}

}  // namespace cupel::engine::hf
