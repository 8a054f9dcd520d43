#include "train/loop/learner.h"

#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "tensor/autograd.h"
#include "train/schedule/schedule.h"

namespace cupel::train {
namespace {

bool is_embedding(std::string_view name) {
  return name.find("embed") != std::string_view::npos ||
         name.find("lm_head") != std::string_view::npos;
}

/// The block that a parameter belongs to ("model.layers.3.…"), or -1.
int64_t block_of(std::string_view name) {
  constexpr std::string_view kBlocks = ".layers.";
  const size_t at = name.find(kBlocks);
  if (at == std::string_view::npos) {
    return -1;
  }
  int64_t block = -1;
  const char* const begin = name.data() + at + kBlocks.size();
  std::from_chars(begin, name.data() + name.size(), block);
  return block;
}

double lr_scale(std::string_view name, int64_t layers, double decay) {
  if (decay == 1) {
    return 1;
  }
  const int64_t block = block_of(name);
  const bool before = block < 0 && name.find("embed") != std::string_view::npos;
  return layer_lr_scale(decay, before ? 0 : block < 0 ? layers + 1 : block + 1, layers);
}

}  // namespace

Result<std::unique_ptr<Learner>> Learner::finish(std::unique_ptr<Learner> learner,
                                                 const LearnerOptions& options) {
  if (learner->lora_) {
    CUPEL_TRY(Twin adapted, learner->lora_->twin(options.twin));
    CUPEL_TRY(Twin base, Twin::create(learner->model_, options.twin));
    learner->twin_ = std::move(adapted);
    learner->base_ = std::move(base);
    learner->trained_ = learner->lora_->parameters();
  } else {
    CUPEL_TRY(Twin twin, Twin::create(learner->model_, options.twin));
    learner->twin_ = std::move(twin);
    learner->trained_ = learner->model_.parameters;
  }
  learner->trained_.require_gradients(true);
  return learner;
}

Result<std::unique_ptr<Learner>> Learner::create(Model model, const LearnerOptions& options) {
  std::unique_ptr<Learner> learner(new Learner);
  learner->model_ = std::move(model);
  if (options.lora) {
    CUPEL_TRY(Lora lora, Lora::create(learner->model_, *options.lora));
    learner->lora_ = std::move(lora);
  }
  return finish(std::move(learner), options);
}

Result<std::unique_ptr<Learner>> Learner::resume_adapter(Model model,
                                                         const std::string& adapter,
                                                         const LearnerOptions& options) {
  std::unique_ptr<Learner> learner(new Learner);
  learner->model_ = std::move(model);
  CUPEL_CHECK(options.lora.has_value(), "an adapter that is trained further is asked for as it is");
  CUPEL_TRY(Lora lora, Lora::resume(learner->model_, adapter, *options.lora));
  learner->lora_ = std::move(lora);
  return finish(std::move(learner), options);
}

std::vector<TrainedParameter> Learner::optimiser_parameters(const ParameterRules& rules) const {
  const auto layers = static_cast<int64_t>(model_.description.layers.size());
  std::vector<TrainedParameter> result;
  for (const ParameterSet::Entry& entry : trained_.entries()) {
    const bool embedding = is_embedding(entry.name);
    const bool matrix = entry.tensor.dim() >= 2;
    const bool adapter = entry.name.find(".lora_") != std::string::npos;
    result.push_back({.name = entry.name,
                      .tensor = entry.tensor,
                      .lr_scale = lr_scale(entry.name, layers, rules.layer_decay),
                      .decays = matrix && !adapter && (!embedding || rules.decay_embeddings),
                      .full_state = !matrix || embedding});
  }
  return result;
}

Result<Ok> Learner::with_merged(const std::function<Result<Ok>(const Model&)>& body) {
  if (!lora_) {
    return body(model_);
  }
  // Merging rounds: the frozen parameters come back to their bits from copies.
  const ParameterSet before = model_.parameters.clone();
  CUPEL_TRY_VOID(lora_->merge());
  Result<Ok> done = body(model_);
  CUPEL_TRY_VOID(lora_->unmerge());
  const tensor::RecordingGuard off(false);
  for (const ParameterSet::Entry& entry : before.entries()) {
    model_.parameters.at(entry.name).copy_(entry.tensor);
  }
  return done;
}

}  // namespace cupel::train
