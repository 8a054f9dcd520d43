#include "train/adapter/lora.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "tensor/autograd.h"
#include "tensor/guard.h"
#include "train/adapter/lora_builder.h"

namespace cupel::train {

Result<Lora> Lora::create(const Model& model, const LoraOptions& options) {
  return tensor::guard([&]() -> Result<Lora> {
    CUPEL_TRY(LoraBuilder builder, LoraBuilder::create(model, options));
    CUPEL_TRY(const std::vector<const LoraModule*> targets, builder.targets());
    for (const LoraModule* module : targets) {
      builder.add_fresh(*module);
    }
    CUPEL_TRY(const std::vector<std::string> whole, builder.whole_parameters());
    for (const std::string& parameter : whole) {
      builder.add_whole(parameter, model.parameters.at(parameter).detach().clone());
    }
    return builder.finish();
  });
}

Result<Twin> Lora::twin(const TwinOptions& options) const {
  if (merged_) {
    return failed_precondition("the adapter is merged into its model, which it would change twice");
  }
  Model adapted = model_;
  if (!whole_.empty()) {
    adapted.parameters = ParameterSet();
    for (const ParameterSet::Entry& entry : model_.parameters.entries()) {
      const auto whole = std::find_if(whole_.begin(), whole_.end(), [&](const Whole& one) {
        return one.parameter == entry.name;
      });
      adapted.parameters.add(entry.name, whole == whole_.end() ? entry.tensor : whole->own);
    }
    if (adapted.description.tied_head) {
      adapted.parameters.tie(adapted.name_of("output.weight"),
                             adapted.name_of("token_embd.weight"));
    }
  }
  CUPEL_TRY(Twin twin, Twin::create(adapted, options));
  const std::vector<Linear*> linears = twin.linears();
  for (const auto& part : parts_) {
    if (part->embedding) {
      twin.embedding().adapter = std::make_shared<LoraEmbedding>(part);
      continue;
    }
    const auto linear = std::find_if(linears.begin(), linears.end(),
                                     [&](const Linear* one) { return one->name == part->module; });
    CUPEL_CHECK(linear != linears.end(), "an adapter of a layer that is not there");
    (*linear)->adapter = std::make_shared<LoraLinear>(part);
  }
  return twin;
}

Result<Ok> Lora::merge() {
  if (merged_) {
    return failed_precondition("the adapter is merged into its model already");
  }
  return tensor::guard([&]() -> Result<Ok> {
    const tensor::RecordingGuard off(false);
    for (const auto& part : parts_) {
      at::Tensor adapted = part->weight.to(part->a.scalar_type()) + part->change();
      if (part->magnitude.defined()) {
        part->merged_norm = row_norms(*part);
        adapted = adapted * (part->magnitude / part->merged_norm).unsqueeze(1);
      }
      part->weight.copy_(adapted);
    }
    for (Whole& whole : whole_) {
      whole.before = whole.base.clone();
      whole.base.copy_(whole.own);
    }
    merged_ = true;
    return Ok{};
  });
}

Result<Ok> Lora::unmerge() {
  if (!merged_) {
    return failed_precondition("the adapter is not merged into its model");
  }
  return tensor::guard([&]() -> Result<Ok> {
    const tensor::RecordingGuard off(false);
    for (const auto& part : parts_) {
      at::Tensor plain = part->weight.to(part->a.scalar_type());
      if (part->magnitude.defined()) {
        plain = plain * (part->merged_norm / part->magnitude).unsqueeze(1);
        part->merged_norm.reset();
      }
      part->weight.copy_(plain - part->change());
    }
    for (Whole& whole : whole_) {
      whole.base.copy_(whole.before);
      whole.before.reset();
    }
    merged_ = false;
    return Ok{};
  });
}

}  // namespace cupel::train
