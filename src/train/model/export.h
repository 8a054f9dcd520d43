#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/quantize_plan.h"
#include "engine/convert/to_folder.h"
#include "train/model/model.h"

namespace cupel::train {

/// The parameters of now as the engine reads them: `Transformer::load` runs the result, the writers
/// of engine/convert write it. F32 and BF16 parameters on the CPU are not copied, others are, as
/// F32: read it before the next step changes them. Keeps what it needs of the model alive.
/// Errors: those of Checkpoint::assemble.
Result<engine::Checkpoint> checkpoint_of(const Model& model);

struct SaveOptions {
  /// Of all tensors; absent: that of the parameters (F32 for f64), with which nothing is rounded.
  std::optional<engine::TensorType> type;
  engine::WriteObserver observer;
};

/// Writes the model as a folder that transformers opens. Configuration, tokenizer and chat template
/// are those of the folder that it was read from, or are made of the GGUF file's metadata.
/// The folder appears when it is complete. Errors: those of engine::write_folder.
Result<engine::ConvertReport> save_folder(const Model& model,
                                          const std::string& path,
                                          const SaveOptions& options = {});

/// Writes the model as a GGUF file, quantised where a target is named.
/// Errors: those of gguf_tokenizer, write_model and quantize_model. On every error no file appears.
Result<engine::ConvertReport> save_gguf(const Model& model,
                                        const std::string& path,
                                        const std::optional<engine::QuantizeTarget>& target = {},
                                        const engine::WriteObserver& observer = {});

}  // namespace cupel::train
