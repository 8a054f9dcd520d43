#include "train/adapter/peft_config.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/hf/config_reader.h"

namespace cupel::train {
namespace {

Json texts(const std::vector<std::string>& values) {
  Json array = Json::array();
  for (const std::string& value : values) {
    array.push_back(value);
  }
  return array;
}

/// A text or a list of texts.
Result<std::vector<std::string>> texts_or_text(engine::hf::ConfigReader& config,
                                               std::string_view key,
                                               std::string* whole) {
  const Json* value = config.find(key);
  if (value != nullptr && value->is_string() && whole != nullptr) {
    *whole = value->as_string();
    return std::vector<std::string>{};
  }
  return config.texts(key);
}

Result<Ok> expect_empty(engine::hf::ConfigReader& config, std::string_view key) {
  const Json* value = config.find(key);
  if (value == nullptr || ((value->is_object() || value->is_array()) && value->size() == 0)) {
    return Ok{};
  }
  return unsupported("{}: \"{}\" is given; adapters with it are not computed", config.place(), key);
}

/// How an adapter was begun matters where the base was changed with it (PiSSA, OLoRA, CorDA,
/// LoRA-GA take B A of the start out of W, LoftQ rounds it): W as it was needs another adapter.
Result<Ok> expect_plain_beginning(engine::hf::ConfigReader& config) {
  constexpr std::array<std::string_view, 4> kPlain = {"gaussian", "eva", "orthogonal", "mica"};
  const Json* begun = config.find("init_lora_weights");
  if (begun == nullptr || begun->is_bool()) {
    return Ok{};
  }
  if (begun->is_string() &&
      std::ranges::find(kPlain, to_lower_ascii(begun->as_string())) != kPlain.end()) {
    return Ok{};
  }
  return unsupported(
      "{}: \"init_lora_weights\" is {}: the adapter belongs to a base that was changed when it was "
      "begun, not to the model itself; save it again with PEFT's "
      "path_initial_model_for_weight_conversion, or merge it there",
      config.place(), printable(dump_json(*begun)));
}

/// What does not change what an adapter computes.
void ignore_what_changes_nothing(engine::hf::ConfigReader& config) {
  config.ignore({"task_type", "auto_mapping", "base_model_name_or_path", "revision",
                 "inference_mode", "peft_version", "exclude_modules", "layers_pattern",
                 "loftq_config", "eva_config", "corda_config", "lora_ga_config", "runtime_config",
                 "megatron_core", "megatron_config", "qalora_group_size"});
}

}  // namespace

Result<LoraOptions> read_peft_config(const Json& json, const std::string& place) {
  if (!json.is_object()) {
    return corrupt_data("{}: is {}; expected an object", place, json.type_name());
  }
  engine::hf::ConfigReader config(json, place);
  CUPEL_TRY_VOID(config.expect_text("peft_type", {"LORA"}));
  LoraOptions options;
  CUPEL_TRY(options.rank, config.integer("r"));
  CUPEL_TRY(options.alpha, config.number("lora_alpha"));
  CUPEL_TRY(options.dropout, config.number_or("lora_dropout", 0));
  CUPEL_TRY(options.rslora, config.flag_or("use_rslora", false));
  CUPEL_TRY(options.dora, config.flag_or("use_dora", false));
  CUPEL_TRY(options.targets, texts_or_text(config, "target_modules", &options.target_regex));
  if (options.target_regex == "all-linear") {
    options.target_regex.clear();
    options.targets = {"all-linear"};
  }
  CUPEL_TRY(options.modules_to_save, texts_or_text(config, "modules_to_save", nullptr));
  CUPEL_TRY_VOID(expect_plain_beginning(config));
  CUPEL_TRY_VOID(config.expect_text("bias", {"none"}));
  for (const std::string_view flag :
       {"fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora", "ensure_weight_tying"}) {
    CUPEL_TRY_VOID(config.expect_flag(flag, false));
  }
  for (const std::string_view key :
       {"rank_pattern", "alpha_pattern", "layers_to_transform", "layer_replication",
        "target_parameters", "trainable_token_indices", "alora_invocation_tokens",
        "arrow_config"}) {
    CUPEL_TRY_VOID(expect_empty(config, key));
  }
  ignore_what_changes_nothing(config);
  CUPEL_TRY_VOID(config.refuse_unread());
  return options;
}

Json peft_config(const LoraOptions& options,
                 const std::vector<std::string>& modules,
                 const Model& model) {
  Json targets = options.target_regex.empty() ? texts(modules) : Json(options.target_regex);
  return Json::object()
      .set("peft_type", "LORA")
      .set("task_type", model.description.outputs > 0 ? "SEQ_CLS" : "CAUSAL_LM")
      .set("base_model_name_or_path", model.source->path())
      .set("r", options.rank)
      .set("lora_alpha", options.alpha)
      .set("lora_dropout", options.dropout)
      .set("use_rslora", options.rslora)
      .set("use_dora", options.dora)
      .set("target_modules", std::move(targets))
      .set("modules_to_save",
           options.modules_to_save.empty() ? Json() : texts(options.modules_to_save))
      .set("bias", "none")
      .set("fan_in_fan_out", false)
      .set("init_lora_weights", true)
      .set("inference_mode", true);
}

}  // namespace cupel::train
