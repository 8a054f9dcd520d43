#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"
#include "tensor/tensor.h"
#include "train/model/parameter_set.h"

namespace cupel::train {

/// A model to train: what it computes and its parameters, both as transformers has them (rows of Q
/// and K in halves, norms of Gemma without their + 1, experts one by one), whatever it was read
/// from.
struct Model {
  engine::ModelDescription description;
  const engine::ModelFamily* family = nullptr;
  ParameterSet parameters;
  /// What it was read from: tokenizer, template and settings are taken from it when it is saved.
  std::shared_ptr<const engine::Checkpoint> source;
  std::string chat_template;  ///< Jinja, instead of the source's; empty: that one

  /// The name in transformers of a tensor of GGUF ("blk.0.attn_q.weight").
  [[nodiscard]] std::string name_of(std::string_view gguf_name) const;
  /// The parameter of that name of GGUF; nullptr when the model has none.
  [[nodiscard]] const at::Tensor* find(std::string_view gguf_name) const;
};

struct LoadOptions {
  at::ScalarType type = at::kFloat;  ///< f32, bf16 or f64; what the file has is converted
  at::Device device = at::kCPU;
};

/// Reads the parameters of a checkpoint of any format; quantised weights are decoded.
/// Errors: those of describe_model and folder_tensors; kUnsupported - an encoder of sentences, or
/// an architecture whose folders are not written; kExhausted - memory.
/// Cost: one pass over the file, whose pages are released as they are read.
Result<Model> load_model(std::shared_ptr<const engine::Checkpoint> source,
                         const LoadOptions& options = {});
/// The same of a GGUF file or a folder. Errors: also those of open_checkpoint.
Result<Model> load_model(const std::string& path, const LoadOptions& options = {});

/// The same model with a fresh head of that many numbers in place of the one that writes text; the
/// parameters besides are shared. Normal numbers of deviation 1/√(width + 1), by seed alone. A
/// model that has such a head keeps it. Errors: kInvalidArgument - it has one of another size.
Result<Model> with_outputs(const Model& model, int64_t outputs, uint64_t seed);

}  // namespace cupel::train
