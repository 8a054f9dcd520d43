#include "train/model/model.h"

#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "engine/convert/folder_config.h"
#include "engine/convert/folder_tensors.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/translation.h"
#include "engine/model/open_checkpoint.h"
#include "tensor/guard.h"

namespace cupel::train {
namespace {

using engine::Checkpoint;
using engine::FolderTensor;
using engine::ModelDescription;

/// The description of the tensors as transformers has them, of one of the tensors as they are.
void describe_as_transformers(ModelDescription& model) {
  if (engine::holds_pairs(model.architecture)) {
    for (engine::LayerDescription& layer : model.layers) {
      layer.attention.rope.interleaved = false;
    }
  }
  // folder_tensors takes the + 1 of a GGUF file away.
  model.norm_plus_one = model.norm_plus_one || model.architecture.starts_with("gemma");
}

Result<at::Tensor> read_tensor(const FolderTensor& tensor, const LoadOptions& options) {
  const std::vector<int64_t> shape(tensor.shape.begin(), tensor.shape.end());
  at::Tensor result = at::empty(shape, at::kFloat);
  engine::RowConverter converter(tensor);
  const std::span<float> values(result.mutable_data_ptr<float>(), tensor.elements());
  for (uint64_t i = 0; i < tensor.rows(); ++i) {
    CUPEL_TRY_VOID(converter.decode(i, values.subspan(i * tensor.columns(), tensor.columns())));
  }
  return result.to(options.device, options.type);
}

Result<Model> load(std::shared_ptr<const Checkpoint> source, const LoadOptions& options) {
  Model model;
  CUPEL_TRY(model.description, engine::describe_model(*source));
  if (model.description.encoder) {
    return unsupported("{}: is a sentence encoder ({}); only models that write text are trained",
                       source->path(), model.description.architecture);
  }
  CUPEL_TRY(model.family, engine::folder_family(*source));
  CUPEL_TRY(const std::vector<FolderTensor> tensors,
            engine::folder_tensors(*source, *model.family, engine::TensorType::kF32));
  for (const FolderTensor& tensor : tensors) {
    auto read = read_tensor(tensor, options);
    if (!read) {
      return in_context(std::move(read).error(),
                        format("{}: tensor {}", source->path(), tensor.name));
    }
    model.parameters.add(tensor.name, std::move(*read));
    const uint64_t row = tensor.source->row_bytes();
    source->release(tensor.source->data.subspan(tensor.first_row * row, tensor.rows() * row));
  }
  source->release_all();
  describe_as_transformers(model.description);
  if (model.description.tied_head) {
    model.parameters.tie(model.name_of("output.weight"), model.name_of("token_embd.weight"));
  }
  model.source = std::move(source);
  return model;
}

}  // namespace

std::string Model::name_of(std::string_view gguf_name) const {
  return engine::hf::hf_name(gguf_name, family->hf.names);
}

const at::Tensor* Model::find(std::string_view gguf_name) const {
  return parameters.find(name_of(gguf_name));
}

Result<Model> load_model(std::shared_ptr<const Checkpoint> source, const LoadOptions& options) {
  return tensor::guard([&]() -> Result<Model> { return load(std::move(source), options); });
}

Result<Model> load_model(const std::string& path, const LoadOptions& options) {
  CUPEL_TRY(Checkpoint opened, engine::open_checkpoint(path));
  return load_model(std::make_shared<const Checkpoint>(std::move(opened)), options);
}

Result<Model> with_outputs(const Model& model, int64_t outputs, uint64_t seed) {
  if (model.description.outputs > 0) {
    return model.description.outputs == outputs
               ? Result<Model>(model)
               : invalid_argument("{}: has a head of {} outputs; {} were asked for",
                                  model.source->path(), model.description.outputs, outputs);
  }
  Model result = model;
  result.description.outputs = outputs;
  result.description.tied_head = false;
  result.parameters = ParameterSet();
  const std::string head = model.name_of("output.weight");
  const std::string bias = model.name_of("output.bias");
  for (const ParameterSet::Entry& entry : model.parameters.entries()) {
    if (entry.name != head && entry.name != bias) {
      result.parameters.add(entry.name, entry.tensor);
    }
  }
  const at::Tensor& like = model.parameters.entries().front().tensor;
  const int64_t width = model.description.width;
  at::Tensor weight = at::empty({outputs, width}, at::kDouble);
  Rng rng(seed, mix64(0x5C07E));
  for (int64_t i = 0; i < weight.numel(); ++i) {
    weight.mutable_data_ptr<double>()[i] = rng.normal() / std::sqrt(static_cast<double>(width + 1));
  }
  result.parameters.add(result.name_of("cls.output.weight"),
                        weight.to(like.device(), like.scalar_type()));
  return result;
}

}  // namespace cupel::train
