#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "train/adapter/lora.h"

namespace cupel::train {

/// A module that an adapter may be beside.
struct LoraModule {
  std::string name;
  at::Tensor weight;
  bool embedding = false;
  bool routes = false;  ///< chooses experts: adapted only by name
};

/// s: alpha / r, or alpha / √r.
double lora_scale(const LoraOptions& options);

/// Puts the parts of a Lora together, fresh or from a file.
class LoraBuilder {
 public:
  /// Errors: kInvalidArgument - an option out of range.
  static Result<LoraBuilder> create(const Model& model, const LoraOptions& options);

  /// Those that the options name. Errors: kInvalidArgument - a name or expression that fits none;
  /// kUnsupported - an embedding that is the head as well, or beside DoRA.
  [[nodiscard]] Result<std::vector<const LoraModule*>> targets() const;
  /// Of the model.
  [[nodiscard]] const ParameterSet& parameters() const { return lora_.model_.parameters; }
  /// The parameters of modules_to_save. Errors: kInvalidArgument; kUnsupported - a tied head.
  [[nodiscard]] Result<std::vector<std::string>> whole_parameters() const;

  /// A part of a module, without its tensors.
  [[nodiscard]] LoraPart blank(const LoraModule& module) const;
  void add(LoraPart part);
  void add_fresh(const LoraModule& module);
  void add_whole(const std::string& parameter, at::Tensor own);
  /// Errors: kInvalidArgument - there is no part and no whole module.
  Result<Lora> finish();

 private:
  LoraBuilder() = default;
  [[nodiscard]] std::vector<std::string> kinds() const;
  [[nodiscard]] Result<Ok> check_target(const LoraModule& module) const;
  /// What to say of a head that is not there; empty where it is.
  [[nodiscard]] std::string_view head_note() const;

  Lora lora_;
  std::vector<LoraModule> modules_;
};

}  // namespace cupel::train
