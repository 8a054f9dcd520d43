#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"

namespace cupel::engine::hf {

/// Writes a config.json from a description: the inverse of ConfigReader and translate_common.
/// Rotary settings are written as `rope_theta` and `rope_scaling`, which all versions of
/// transformers read.
class ConfigWriter {
 public:
  /// `file`: what the description is of. Both must outlive the writer.
  ConfigWriter(const ModelDescription& model, const Checkpoint& file)
      : model_(model), file_(file) {}

  void set(std::string_view key, Json value) { json_.set(key, std::move(value)); }
  /// In the shortest form that reads back as the same f32, which is what GGUF holds.
  void set_number(std::string_view key, double value) { json_.set(key, number(value)); }
  /// null for 0.
  void set_or_null(std::string_view key, double value) {
    json_.set(key, value == 0 ? Json() : number(value));
  }
  /// model_type and architectures.
  void set_kind(std::string_view model_type, std::string_view architecture);
  /// How many experts there are, under `count_key`, and how many of them are used.
  void set_experts(std::string_view count_key);
  /// The window of all layers, or none. Errors: kUnsupported - only some have it.
  Result<Ok> set_one_window();
  /// Each layer's kind, and the window of those that slide.
  void set_layer_windows();
  /// Errors: kUnsupported - a linear layer has a bias.
  [[nodiscard]] Result<Ok> refuse_biases() const;

  /// What every decoder states. Errors: kUnsupported - rotary settings that config.json has no word
  /// for.
  Result<Ok> set_common();
  /// The keys of biases. Errors: kUnsupported - a bias that transformers would not have, or one
  /// that it would expect.
  Result<Ok> set_biases(const HfBiases& biases);

  [[nodiscard]] const Json& json() const { return json_; }
  static Json number(double value);

 private:
  [[nodiscard]] Result<Ok> check_norm_biases() const;
  [[nodiscard]] Result<bool> has_biases(std::initializer_list<std::string_view> parts) const;
  Result<Ok> set_rope();
  Result<Json> rope_scaling(const RopeDescription& rope);
  Result<Json> llama3_scaling(const RopeDescription& rope) const;
  Result<Json> yarn_scaling() const;
  Json long_rope_scaling(const RopeDescription& rope);

  const ModelDescription& model_;
  const Checkpoint& file_;
  Json json_ = Json::object();
};

}  // namespace cupel::engine::hf
