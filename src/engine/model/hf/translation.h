#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/gguf_writer.h"
#include "engine/model/description.h"
#include "engine/model/hf/config_reader.h"

namespace cupel::engine::hf {

/// Which layers have the sliding window where `layer_types` does not list them.
enum class WindowLayers {
  kAll,                  ///< or those of the family's pattern
  kAlwaysAll,            ///< whatever is listed
  kFromMaxWindowLayers,  ///< from the layer `max_window_layers` on
  kListed,               ///< versions of transformers differ: the list is needed
};

/// What a config.json means where it is silent: what the model's class in transformers takes.
struct AbsentKeys {
  double rope_theta = 10000;
  /// Absent: all of a head rotates, whatever the key says; only 1 is accepted then.
  std::optional<double> partial_rotary_factor;
  int64_t original_max_position_embeddings = 0;  ///< 0: max_position_embeddings
  bool use_sliding_window = true;
  int64_t sliding_window = 0;  ///< 0: none
  WindowLayers windows = WindowLayers::kAll;
  bool tie_word_embeddings = false;
  double attention_softcap = 0;  ///< of Gemma; 0: none, as null
  double logit_softcap = 0;
};

/// A checkpoint's config.json in the terms of GGUF: what its metadata would say.
struct Translation {
  std::string architecture;  ///< prefix of the keys
  AbsentKeys absent;         ///< set by the family before the common keys are read
  GgufHeader header;
  /// Tensors that GGUF has and the folder has not: rotary factors. Name and numbers.
  std::vector<std::pair<std::string, std::vector<float>>> vectors;

  [[nodiscard]] std::string key(std::string_view name) const;
  void set_size(std::string_view name, int64_t value);
  void set_number(std::string_view name, double value);
  void set_flag(std::string_view name, bool value);
  void set_text(std::string_view name, std::string_view value);
  void set_flags(std::string_view name, const std::vector<bool>& values);
};

/// The GGUF name of a tensor by the first entry that fits: `names`, then those that most families
/// share. Empty when none fits.
std::string gguf_name(std::string_view hf_name, std::span<const TensorName> names);

/// The inverse: the name in a folder of a tensor of GGUF, experts and heads by number
/// ("blk.0.ffn_up.3.weight").
std::string hf_name(std::string_view gguf_name, std::span<const TensorName> names);
/// What Mixtral and Phi call their experts.
std::vector<TensorName> sparse_block_names();

/// The keys of config.json that every transformer has: sizes, heads, norms. Settings of training
/// and of the file's history are passed over.
Result<Ok> translate_sizes(ConfigReader& config, Translation& out);
/// The keys of config.json that every decoder has: sizes, heads, norms, activation, rotary
/// embedding and its scaling, sliding windows. Checks that what is not computed is not asked for.
Result<Ok> translate_common(ConfigReader& config, Translation& out);
/// The keys of expert layers, under the names that Qwen, Mixtral and Phi give them.
Result<Ok> translate_experts(ConfigReader& config, Translation& out);

}  // namespace cupel::engine::hf
