// Adapters in PEFT's layout: adapter_config.json and adapter_model.safetensors.
#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/partial_folder.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/model/hf/config_reader.h"
#include "tensor/guard.h"
#include "train/adapter/lora_builder.h"

namespace cupel::train {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kConfig = "adapter_config.json";
constexpr std::string_view kTensors = "adapter_model.safetensors";

using engine::SafetensorsFile;
using engine::SafetensorsTensor;
using engine::TensorType;

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

Result<LoraOptions> read_config(const Json& json, const std::string& place) {
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

/// A tensor of the file in f32, or f64 beside f64 weights.
Result<at::Tensor> read_tensor(const SafetensorsFile& file,
                               const std::string& name,
                               at::IntArrayRef shape,
                               const at::Tensor& like) {
  CUPEL_TRY(const SafetensorsTensor* found, file.get_tensor(name));
  const std::vector<int64_t> sizes(found->shape.begin(), found->shape.end());
  if (at::IntArrayRef(sizes) != shape) {
    std::vector<std::string> expected;
    for (const int64_t size : shape) {
      expected.push_back(format("{}", size));
    }
    return corrupt_data("{}: tensor {} has shape {}; expected [{}]", file.path(), printable(name),
                        found->shape_text(), join(expected, ", "));
  }
  if (found->type != TensorType::kF32 && found->type != TensorType::kF16 &&
      found->type != TensorType::kBF16) {
    return unsupported("{}: tensor {} is {}; expected F32, F16 or BF16", file.path(),
                       printable(name), engine::tensor_type_name(found->type));
  }
  at::Tensor result = at::empty(shape, at::kFloat);
  CUPEL_TRY_VOID(engine::dequantize_row(
      found->type, found->data,
      {result.mutable_data_ptr<float>(), static_cast<size_t>(result.numel())}));
  const auto type = like.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return result.to(like.device(), type);
}

/// Reads the tensors of one adapter file into a builder.
class AdapterReader {
 public:
  AdapterReader(const SafetensorsFile& file, LoraBuilder& builder, const LoraOptions& options)
      : file_(file), builder_(builder), options_(options) {}

  Result<Ok> run() {
    CUPEL_TRY(const std::vector<const LoraModule*> targets, builder_.targets());
    for (const LoraModule* module : targets) {
      CUPEL_TRY_VOID(read_part(*module));
    }
    CUPEL_TRY(const std::vector<std::string> whole, builder_.whole_parameters());
    for (const std::string& parameter : whole) {
      const std::string name = std::string(kPrefix) + parameter;
      const at::Tensor& base = builder_.parameters().at(parameter);
      CUPEL_TRY(const at::Tensor own, take(name, base.sizes(), base));
      builder_.add_whole(parameter, own.to(base.scalar_type()));
    }
    for (const SafetensorsTensor& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name)) {
        return corrupt_data("{}: tensor {} belongs to no module that {} names", file_.path(),
                            printable(tensor.name), kConfig);
      }
    }
    return Ok{};
  }

 private:
  Result<at::Tensor> take(const std::string& name, at::IntArrayRef shape, const at::Tensor& like) {
    CUPEL_TRY(at::Tensor tensor, read_tensor(file_, name, shape, like));
    used_.insert(file_.find_tensor(name)->name);
    return tensor;
  }

  Result<Ok> read_part(const LoraModule& module) {
    LoraPart part = builder_.blank(module);
    const std::string name = std::string(kPrefix) + module.name;
    const int64_t inputs = module.weight.size(module.embedding ? 0 : 1);
    const int64_t outputs = module.weight.size(module.embedding ? 1 : 0);
    const std::string_view a = module.embedding ? ".lora_embedding_A" : ".lora_A.weight";
    const std::string_view b = module.embedding ? ".lora_embedding_B" : ".lora_B.weight";
    CUPEL_TRY(part.a, take(name + std::string(a), {options_.rank, inputs}, module.weight));
    CUPEL_TRY(part.b, take(name + std::string(b), {outputs, options_.rank}, module.weight));
    if (options_.dora) {
      CUPEL_TRY(part.magnitude, take(name + ".lora_magnitude_vector", {outputs}, module.weight));
    }
    builder_.add(std::move(part));
    return Ok{};
  }

  const SafetensorsFile& file_;
  LoraBuilder& builder_;
  const LoraOptions& options_;
  std::set<std::string_view> used_;
};

/// What of an adapter is not as it was asked for.
class Agreement {
 public:
  explicit Agreement(const std::string& folder) : folder_(&folder) {}

  template <typename T>
  Result<Ok> same(std::string_view key, const T& asked, const T& found) const {
    return asked == found ? Result<Ok>(Ok{})
                          : Result<Ok>(invalid_argument(
                                "lora.{} is {}, and the adapter {} has {}; set it to that", key,
                                asked, *folder_, found));
  }

  [[nodiscard]] Result<Ok> same_names(std::string_view key,
                                      const std::set<std::string>& asked,
                                      const std::set<std::string>& found) const {
    for (const std::string& name : asked) {
      if (!found.contains(name)) {
        return invalid_argument("{} names {}, of which the adapter {} has nothing; leave it out",
                                key, printable(name), *folder_);
      }
    }
    for (const std::string& name : found) {
      if (!asked.contains(name)) {
        return invalid_argument("the adapter {} has {}, which {} does not name; add it", *folder_,
                                printable(name), key);
      }
    }
    return Ok{};
  }

 private:
  const std::string* folder_;
};

Result<std::set<std::string>> target_names(const LoraBuilder& builder) {
  CUPEL_TRY(const std::vector<const LoraModule*> targets, builder.targets());
  std::set<std::string> names;
  for (const LoraModule* module : targets) {
    names.insert(module->name);
  }
  return names;
}

Result<std::set<std::string>> whole_names(const LoraBuilder& builder) {
  CUPEL_TRY(const std::vector<std::string> whole, builder.whole_parameters());
  return std::set<std::string>(whole.begin(), whole.end());
}

Result<Ok> expect_agreement(const Model& model,
                            const std::string& folder,
                            const LoraOptions& asked,
                            const LoraOptions& found) {
  const Agreement agreement(folder);
  CUPEL_TRY_VOID(agreement.same("rank", asked.rank, found.rank));
  CUPEL_TRY_VOID(agreement.same("alpha", asked.alpha, found.alpha));
  CUPEL_TRY_VOID(agreement.same("rslora", asked.rslora, found.rslora));
  CUPEL_TRY_VOID(agreement.same("dora", asked.dora, found.dora));
  CUPEL_TRY(const LoraBuilder ours, LoraBuilder::create(model, asked));
  CUPEL_TRY(const LoraBuilder theirs, LoraBuilder::create(model, found));
  CUPEL_TRY(const std::set<std::string> our_targets, target_names(ours));
  CUPEL_TRY(const std::set<std::string> their_targets, target_names(theirs));
  CUPEL_TRY_VOID(
      agreement.same_names(asked.target_regex.empty() ? "lora.targets" : "lora.target_regex",
                           our_targets, their_targets));
  CUPEL_TRY(const std::set<std::string> our_whole, whole_names(ours));
  CUPEL_TRY(const std::set<std::string> their_whole, whole_names(theirs));
  return agreement.same_names("lora.modules_to_save", our_whole, their_whole);
}

/// `asked`: null, or what the adapter must be.
Result<Lora> read_adapter(const Model& model, const std::string& folder, const LoraOptions* asked) {
  CUPEL_TRY_VOID(expect_adapter(folder));
  const std::string place = format("{}/{}", folder, kConfig);
  CUPEL_TRY(const Json json, read_json_file(place));
  CUPEL_TRY(LoraOptions options, read_config(json, place));
  if (asked != nullptr) {
    CUPEL_TRY_VOID(expect_agreement(model, folder, *asked, options));
    options.dropout = asked->dropout;
    options.seed = asked->seed;
  }
  CUPEL_TRY(const SafetensorsFile file, SafetensorsFile::open(format("{}/{}", folder, kTensors)));
  CUPEL_TRY(LoraBuilder builder, LoraBuilder::create(model, options));
  Result<Ok> read = AdapterReader(file, builder, options).run();
  if (!read) {
    return in_context(std::move(read).error(), folder);
  }
  return builder.finish();
}

Json config_of(const LoraOptions& options,
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

}  // namespace

Result<Ok> Lora::save(const std::string& folder) const {
  return tensor::guard([&]() -> Result<Ok> {
    CUPEL_TRY(PartialFolder out, PartialFolder::create(folder));
    std::vector<std::string> modules;
    for (const auto& part : parts_) {
      modules.push_back(part->module);
    }
    CUPEL_TRY_VOID(out.write_json(kConfig, config_of(options_, modules, model_), 2));
    std::vector<engine::SafetensorsPlan> plans;
    std::vector<at::Tensor> tensors;
    for (const ParameterSet::Entry& entry : parameters_.entries()) {
      const bool narrow = entry.tensor.scalar_type() == at::kBFloat16;
      tensors.push_back(
          entry.tensor.detach().to(at::kCPU, narrow ? at::kBFloat16 : at::kFloat).contiguous());
      plans.push_back({.name = entry.name,
                       .type = narrow ? TensorType::kBF16 : TensorType::kF32,
                       .shape = {tensors.back().sizes().begin(), tensors.back().sizes().end()}});
    }
    CUPEL_TRY(engine::SafetensorsWriter writer,
              engine::SafetensorsWriter::create(out.path(), std::move(plans), UINT64_MAX,
                                                "adapter_model"));
    for (const at::Tensor& tensor : tensors) {
      CUPEL_TRY_VOID(
          writer.write({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}));
    }
    CUPEL_TRY_VOID(writer.close());
    return out.commit();
  });
}

Result<Ok> expect_adapter(const std::string& folder) {
  CUPEL_TRY(const bool there, path_exists(format("{}/{}", folder, kConfig)));
  if (!there) {
    return not_found("{}: is no adapter (it has no {}); expected a folder such as RUN/adapter",
                     folder, kConfig);
  }
  return Ok{};
}

Result<Lora> Lora::load(const Model& model, const std::string& folder) {
  return tensor::guard([&] { return read_adapter(model, folder, nullptr); });
}

Result<Lora> Lora::resume(const Model& model,
                          const std::string& folder,
                          const LoraOptions& options) {
  return tensor::guard([&] { return read_adapter(model, folder, &options); });
}

}  // namespace cupel::train
