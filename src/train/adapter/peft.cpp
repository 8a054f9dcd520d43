// Adapters in PEFT's layout: adapter_config.json and adapter_model.safetensors.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "base/partial_folder.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "tensor/guard.h"
#include "train/adapter/lora_builder.h"
#include "train/adapter/peft_config.h"

namespace cupel::train {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kConfig = "adapter_config.json";
constexpr std::string_view kTensors = "adapter_model.safetensors";

using engine::SafetensorsFile;
using engine::SafetensorsTensor;
using engine::TensorType;

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
  CUPEL_TRY(LoraOptions options, read_peft_config(json, place));
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

}  // namespace

Result<Ok> Lora::save(const std::string& folder) const {
  return tensor::guard([&]() -> Result<Ok> {
    CUPEL_TRY(PartialFolder out, PartialFolder::create(folder));
    std::vector<std::string> modules;
    for (const auto& part : parts_) {
      modules.push_back(part->module);
    }
    CUPEL_TRY_VOID(out.write_json(kConfig, peft_config(options_, modules, model_), 2));
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
