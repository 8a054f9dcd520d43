#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/adapter/lora_part.h"
#include "train/model/model.h"
#include "train/model/parameter_set.h"
#include "train/model/twin.h"

namespace cupel::train {

struct LoraOptions {
  int64_t rank = 16;    ///< r, > 0
  double alpha = 32;    ///< the product is scaled by alpha / r
  double dropout = 0;   ///< share of an adapter's inputs that is dropped in training, in [0, 1)
  bool rslora = false;  ///< scaled by alpha / √r instead (arXiv 2312.03732)
  /// Directions by A and B, lengths of W's rows by a vector of their own (DoRA, arXiv 2402.09353).
  /// Of linear layers alone.
  bool dora = false;
  /// Names of modules, or the last parts of them ("q_proj", "layers.0.mlp.up_proj"); "all-linear":
  /// every linear layer of the blocks. "embed_tokens" adapts the embedding, where the head is
  /// another matrix.
  std::vector<std::string> targets = {"all-linear"};
  /// A regular expression of whole module names, instead of `targets`; empty: none.
  std::string target_regex;
  /// Modules that are trained whole, as a copy of their own, by names as in `targets`: "lm_head",
  /// "embed_tokens", "norm".
  std::vector<std::string> modules_to_save;
  /// Of A's numbers and of dropout.
  uint64_t seed = 0;
};

/// Errors: kNotFound - the folder is no adapter of PEFT's layout.
Result<Ok> expect_adapter(const std::string& folder);

/// Low-rank adapters of a model: y = W x + b + s B A dropout(x), with s = alpha / r.
///
/// Shapes: W [O, I], A [r, I], B [O, r]. A is uniform in ±1 / √I, B is 0: a fresh adapter changes
/// nothing. DoRA: W' = m ⊙ (W + s B A) / ‖W + s B A‖ by rows, m [O] begins as ‖W‖ by rows, and the
/// norm is a constant of the backward pass.
/// A fused matrix (Phi-3's qkv_proj) has one adapter. An embedding has A [r, V] and B [D, r].
///
/// The model's own parameters are shared and not changed, and need no gradients any more:
/// `Twin::create(model)` is the reference of `twin(…)`, and several adapters live over one model.
/// Checked against: tests/train_model/lora_test.cpp.
class Lora {
 public:
  /// Errors: kInvalidArgument - an option out of range, a target that the model has not (with what
  /// it has), or nothing to train; kUnsupported - an embedding that is the head as well, or beside
  /// DoRA.
  static Result<Lora> create(const Model& model, const LoraOptions& options);

  /// Reads an adapter in PEFT's layout: adapter_config.json and adapter_model.safetensors.
  /// Errors: kNotFound; kCorruptData - tensors that are missing or of another shape;
  /// kUnsupported - a setting of PEFT that is not computed, by its name.
  static Result<Lora> load(const Model& model, const std::string& folder);
  /// The same to be trained further, with the dropout and the draws of `options`. Errors besides:
  /// kInvalidArgument - the file's rank, scaling, kind or modules are not those of `options`.
  static Result<Lora> resume(const Model& model,
                             const std::string& folder,
                             const LoraOptions& options);
  /// Writes it so. The folder appears when it is complete. Errors: kFailedPrecondition - there is
  /// something at `folder` already; those of SafetensorsWriter.
  [[nodiscard]] Result<Ok> save(const std::string& folder) const;

  [[nodiscard]] const LoraOptions& options() const { return options_; }
  /// What is trained, by the names that PEFT saves ("base_model.model.….lora_A.weight").
  [[nodiscard]] const ParameterSet& parameters() const { return parameters_; }
  /// The adapted model. It shares all tensors with this object and the model.
  /// Errors: those of Twin::create; kFailedPrecondition - the adapter is merged.
  [[nodiscard]] Result<Twin> twin(const TwinOptions& options = {}) const;

  /// Writes the adapter into the model's parameters, and out of them again: in between the model is
  /// the adapted one, for the engine or to be saved. What rounding changed is not undone. Modules
  /// that are trained whole change places with the model's own.
  /// Errors: kFailedPrecondition - it is merged already, or is not.
  Result<Ok> merge();
  Result<Ok> unmerge();
  [[nodiscard]] bool merged() const { return merged_; }

 private:
  friend class LoraBuilder;
  /// A module that is trained whole.
  struct Whole {
    std::string parameter;  ///< in transformers
    at::Tensor own;         ///< the copy that is trained
    at::Tensor base;        ///< the model's
    at::Tensor before;      ///< what the model's held before a merge
  };

  Lora() = default;

  LoraOptions options_;
  Model model_;
  ParameterSet parameters_;
  std::vector<std::shared_ptr<LoraPart>> parts_;
  std::vector<Whole> whole_;
  bool merged_ = false;
};

}  // namespace cupel::train
