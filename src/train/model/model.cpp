#include "train/model/model.h"

#include <utility>
#include <vector>

#include "base/error.h"
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

}  // namespace cupel::train
