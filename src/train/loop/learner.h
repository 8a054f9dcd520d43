#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/convert/to_folder.h"
#include "train/adapter/lora.h"
#include "train/model/model.h"
#include "train/model/parameter_set.h"
#include "train/model/twin.h"
#include "train/optimiser/optimiser.h"

namespace cupel::train {

struct LearnerOptions {
  /// Low-rank adapters beside frozen parameters; absent: every parameter is trained.
  std::optional<LoraOptions> lora;
  TwinOptions twin;
};

/// How parameters are grouped for the optimiser.
struct ParameterRules {
  bool decay_embeddings = false;
  double layer_decay = 1;  ///< 0 … 1: layer_lr_scale
};

/// The model that a run trains: the policy, what of it is trained, and the model at the start where
/// that is at hand without a second copy.
class Learner {
 public:
  /// Takes the model over. Errors: those of Lora::create and Twin::create.
  static Result<std::unique_ptr<Learner>> create(Model model, const LearnerOptions& options);
  /// The same with an adapter that was saved, to be trained further: what `options.lora` says,
  /// which there must be. Errors: those of Lora::resume and Twin::create.
  static Result<std::unique_ptr<Learner>> resume_adapter(Model model,
                                                         const std::string& adapter,
                                                         const LearnerOptions& options);

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] Twin& twin() { return *twin_; }
  /// The model without its adapters; null when every parameter is trained.
  [[nodiscard]] Twin* base() { return base_ ? &*base_ : nullptr; }
  [[nodiscard]] const Lora* lora() const { return lora_ ? &*lora_ : nullptr; }
  /// What is trained, by the names under which it is saved.
  [[nodiscard]] const ParameterSet& trained() const { return trained_; }
  [[nodiscard]] std::vector<TrainedParameter> optimiser_parameters(
      const ParameterRules& rules) const;

  /// Runs `body` on the model as it is now, adapters written into it, and takes them out again.
  /// Errors: those of Lora::merge and of the body.
  Result<Ok> with_merged(const std::function<Result<Ok>(const Model&)>& body);

 private:
  Learner() = default;
  static Result<std::unique_ptr<Learner>> finish(std::unique_ptr<Learner> learner,
                                                 const LearnerOptions& options);

  Model model_;
  std::optional<Lora> lora_;
  std::optional<Twin> base_;
  std::optional<Twin> twin_;
  ParameterSet trained_;
};

}  // namespace cupel::train
