#include "train/model/export.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "engine/convert/gguf_tokenizer.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/translation.h"
#include "tensor/guard.h"

namespace cupel::train {
namespace {

using engine::Checkpoint;
using engine::CheckpointTensor;
using engine::ForeignTensor;
using engine::TensorType;

/// Holds tensors, and the checkpoint whose metadata and rotary factors are referred to.
class ParameterStorage final : public engine::TensorStorage {
 public:
  ParameterStorage(std::vector<at::Tensor> tensors, std::shared_ptr<const Checkpoint> source)
      : tensors_(std::move(tensors)), source_(std::move(source)) {}

  [[nodiscard]] const std::string& fingerprint() const override {
    std::call_once(once_, [&] {
      Fingerprint all;
      for (const at::Tensor& tensor : tensors_) {
        all.add(bytes_of(tensor));
      }
      fingerprint_ = all.hex();
    });
    return fingerprint_;
  }
  [[nodiscard]] uint64_t size_bytes() const override {
    uint64_t total = 0;
    for (const at::Tensor& tensor : tensors_) {
      total += tensor.nbytes();
    }
    return total;
  }
  // The tensors are no pages of a file.
  void expect(std::span<const std::byte> /*part*/) const override {}
  void release(std::span<const std::byte> /*part*/) const override {}
  void release_all() const override {}

  static std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
    return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
  }

 private:
  std::vector<at::Tensor> tensors_;
  std::shared_ptr<const Checkpoint> source_;
  mutable std::once_flag once_;
  mutable std::string fingerprint_;
};

/// A parameter as bytes that the engine has a type for.
at::Tensor readable(const at::Tensor& parameter) {
  const auto type = parameter.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
  return parameter.detach().to(at::kCPU, type).contiguous();
}

ForeignTensor foreign_tensor(std::string name, const at::Tensor& tensor) {
  ForeignTensor out{
      .name = std::move(name),
      .type = tensor.scalar_type() == at::kBFloat16 ? TensorType::kBF16 : TensorType::kF32,
      .num_dims = static_cast<uint32_t>(tensor.dim()),
      .data = ParameterStorage::bytes_of(tensor)};
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    out.dims[static_cast<size_t>(tensor.dim() - 1 - i)] = static_cast<uint64_t>(tensor.size(i));
  }
  return out;
}

/// The metadata of the source, saying that the tensors are as transformers has them.
engine::GgufHeader metadata_of(const Model& model) {
  engine::GgufHeader header;
  for (const engine::GgufEntry& entry : model.source->metadata()) {
    header.set_value(entry.key, entry.value);
  }
  const std::string& prefix = model.description.architecture;
  header.set<bool>(prefix + ".rope.interleaved", false);
  header.set<bool>(prefix + ".norm_plus_one", model.description.norm_plus_one);
  return header;
}

/// What the description is made of and is no parameter: rotary factors.
void add_factors(const Checkpoint& source, std::vector<ForeignTensor>& tensors) {
  for (const CheckpointTensor& tensor : source.tensors()) {
    if (tensor.name.starts_with("rope_f")) {
      tensors.push_back({.name = std::string(tensor.name),
                         .type = tensor.type,
                         .dims = tensor.dims,
                         .num_dims = tensor.num_dims,
                         .data = tensor.data});
    }
  }
}

}  // namespace

Result<Checkpoint> checkpoint_of(const Model& model) {
  return tensor::guard([&]() -> Result<Checkpoint> {
    std::vector<at::Tensor> held;
    std::vector<ForeignTensor> tensors;
    for (const ParameterSet::Entry& entry : model.parameters.entries()) {
      held.push_back(readable(entry.tensor));
      tensors.push_back(
          foreign_tensor(engine::hf::gguf_name(entry.name, model.family->hf.names), held.back()));
    }
    add_factors(*model.source, tensors);
    return Checkpoint::assemble(
        model.source->path(), metadata_of(model).encode(), std::move(tensors),
        std::make_unique<const ParameterStorage>(std::move(held), model.source));
  });
}

Result<engine::ConvertReport> save_folder(const Model& model,
                                          const std::string& path,
                                          const SaveOptions& options) {
  CUPEL_TRY(const Checkpoint file, checkpoint_of(model));
  return engine::write_folder(file, path,
                              {.type = options.type,
                               .observer = options.observer,
                               .texts_of = model.source.get(),
                               .chat_template = model.chat_template});
}

Result<engine::ConvertReport> save_gguf(const Model& model,
                                        const std::string& path,
                                        const std::optional<engine::QuantizeTarget>& target,
                                        const engine::WriteObserver& observer) {
  CUPEL_TRY(const Checkpoint file, checkpoint_of(model));
  engine::GgufTokenizer tokenizer;  // of a GGUF file: among the metadata
  if (model.source->foreign()) {
    const auto rows = static_cast<uint64_t>(model.description.vocabulary_size);
    CUPEL_TRY(tokenizer, engine::gguf_tokenizer(model.source->path(), rows));
  }
  if (!model.chat_template.empty()) {
    tokenizer.keys.set_string("tokenizer.chat_template", model.chat_template);
  }
  CUPEL_TRY(const engine::ModelSource source, engine::gguf_source(file, tokenizer.keys));
  engine::ConvertReport report;
  report.notes = std::move(tokenizer.notes);
  report.source_bytes = file.size_bytes();
  if (!target) {
    CUPEL_TRY(report.output_bytes, engine::write_model(source, path, observer));
    return report;
  }
  CUPEL_TRY(engine::QuantizeReport done,
            engine::quantize_model(
                source, path, *target,
                {.importance_path = {}, .stop = observer.stop, .progress = observer.progress}));
  report.tensors = std::move(done.tensors);
  report.output_bytes = done.output_bytes;
  return report;
}

}  // namespace cupel::train
