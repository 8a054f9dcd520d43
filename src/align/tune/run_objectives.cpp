#include "align/tune/run_objectives.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "align/objectives/preference_objective.h"
#include "align/objectives/reward_objective.h"
#include "align/objectives/sft_objective.h"
#include "base/check.h"
#include "base/error.h"
#include "train/recipe/recipe_options.h"

namespace cupel::align {

using train::Recipe;

at::ScalarType parameter_type(const Recipe& recipe) {
  return recipe.precision == "bf16-pure" ? at::kBFloat16 : at::kFloat;
}

train::LearnerOptions learner_options(const Recipe& recipe) {
  train::LearnerOptions options;
  options.twin.compute = recipe.precision == "fp32" ? at::kFloat : at::kBFloat16;
  options.twin.recompute_layers = recipe.checkpointing == "full";
  if (recipe.parameters == "lora") {
    options.lora = train::LoraOptions{.rank = recipe.lora.rank,
                                      .alpha = recipe.lora.alpha,
                                      .dropout = recipe.lora.dropout,
                                      .rslora = recipe.lora.rslora,
                                      .dora = recipe.lora.dora,
                                      .targets = recipe.lora.targets,
                                      .target_regex = recipe.lora.target_regex,
                                      .modules_to_save = recipe.lora.modules_to_save,
                                      .seed = recipe.seed};
  }
  return options;
}

Result<std::unique_ptr<RunObjectives>> RunObjectives::create(Parts parts) {
  std::unique_ptr<RunObjectives> objectives(new RunObjectives(std::move(parts)));
  CUPEL_TRY_VOID(objectives->make());
  return objectives;
}

Result<Ok> RunObjectives::make() {
  CUPEL_TRY_VOID(make_reference());
  const PreparedRun& prepared = *parts_.prepared;
  CUPEL_TRY(training_, over(prepared.data, reference_));
  if (prepared.held_out) {
    CUPEL_TRY(held_out_, over(*prepared.held_out, held_out_reference_));
    CUPEL_TRY(held_out_plan_, whole_plan(*prepared.held_out));
  }
  return Ok{};
}

Result<train::Twin*> RunObjectives::at_start() {
  const Recipe& recipe = *parts_.recipe;
  train::Learner& learner = *parts_.learner;
  if (recipe.lora.adapter.empty() || recipe.preference.reference == "adapter_off") {
    return learner.base();
  }
  if (!start_twin_) {
    CUPEL_TRY(start_adapter_, train::Lora::load(learner.model(), recipe.lora.adapter));
    start_adapter_->parameters().require_gradients(false);
    CUPEL_TRY(start_twin_, start_adapter_->twin(learner_options(recipe).twin));
  }
  return &*start_twin_;
}

Result<Ok> RunObjectives::make_reference() {
  const Method& method = parts_.prepared->method;
  if (!method.needs_reference(*parts_.recipe)) {
    return Ok{};
  }
  const bool live = method.loss != nullptr && method.loss->reads_mismatched();
  if (!live) {
    CUPEL_TRY(reference_, logps_of(parts_.prepared->data, "reference.safetensors"));
    if (parts_.prepared->held_out) {
      CUPEL_TRY(held_out_reference_,
                logps_of(*parts_.prepared->held_out, "reference-held-out.safetensors"));
    }
    return Ok{};
  }
  CUPEL_TRY(const train::Twin* const start, at_start());
  if (start == nullptr) {
    parts_.note("reference: a second copy of the model in memory");
    CUPEL_TRY(frozen_, train::load_model(parts_.prepared->texts.file,
                                         {.type = parameter_type(*parts_.recipe)}));
    CUPEL_TRY(frozen_twin_, train::Twin::create(*frozen_, learner_options(*parts_.recipe).twin));
  }
  return Ok{};
}

Result<std::optional<ReferenceLogps>> RunObjectives::logps_of(const train::DataSet& data,
                                                              std::string_view name) {
  const ReferenceLogps::Options options{
      .cache = format("{}/{}", parts_.folder, name),
      .model_fingerprint = parts_.prepared->start_fingerprint() + parts_.recipe->precision,
      .piece_tokens =
          parts_.prepared->method.kind == Method::Kind::kSft ? parts_.recipe->data.max_length : 0,
      .progress = [this](int64_t /*done*/, int64_t /*all*/) -> Result<Ok> {
        return parts_.stop.stop_requested() ? Result<Ok>(cancelled("stopped")) : Result<Ok>(Ok{});
      }};
  // Process 0 computes them, the others read what it wrote.
  std::optional<ReferenceLogps> logps;
  Result<Ok> done = Ok{};
  if (parts_.collective->rank() == 0) {
    auto known = ReferenceLogps::read(data, options);
    if (!known) {
      parts_.note("reference: computing its log-probs, once");
      known = compute(data, options);
    }
    if (known) {
      logps = std::move(*known);
    } else {
      done = std::move(known).error();
    }
  }
  std::array<double, 1> failed = {done ? 0.0 : 1.0};
  CUPEL_TRY_VOID(parts_.collective->sum(failed, "the reference's log-probs"));
  CUPEL_TRY_VOID(done);
  if (failed[0] > 0) {
    return failed_precondition("process 0 could not compute the reference's log-probs");
  }
  if (!logps) {
    CUPEL_TRY(logps, ReferenceLogps::read(data, options));
  }
  return logps;
}

Result<ReferenceLogps> RunObjectives::compute(const train::DataSet& data,
                                              ReferenceLogps::Options options) {
  CUPEL_TRY(train::Twin* const start, at_start());
  if (start != nullptr || !parts_.trained_already) {
    return ReferenceLogps::compute(start != nullptr ? *start : parts_.learner->twin(), data,
                                   options);
  }
  CUPEL_TRY(const train::Model model, train::load_model(parts_.prepared->texts.file,
                                                        {.type = parameter_type(*parts_.recipe)}));
  CUPEL_TRY(train::Twin twin, train::Twin::create(model, learner_options(*parts_.recipe).twin));
  return ReferenceLogps::compute(twin, data, options);
}

Result<std::unique_ptr<train::Objective>> RunObjectives::over(
    const train::DataSet& data, const std::optional<ReferenceLogps>& reference) {
  const Recipe& recipe = *parts_.recipe;
  const Method& method = parts_.prepared->method;
  train::Learner& learner = *parts_.learner;
  const ReferenceLogps* const cached = reference ? &*reference : nullptr;
  using Made = std::unique_ptr<train::Objective>;
  if (method.kind == Method::Kind::kSft) {
    SftOptions options{.label_smoothing = recipe.loss.label_smoothing,
                       .z_loss = recipe.loss.z_loss,
                       .dft = recipe.sft.dft,
                       .neftune_alpha = recipe.sft.neftune_alpha,
                       .kl_to_init = recipe.sft.kl_to_init,
                       .seed = recipe.seed};
    CUPEL_TRY(options.reduction, parse_reduction(recipe.loss.reduction));
    return Made(std::make_unique<SftObjective>(learner, data, cached, options));
  }
  if (method.kind == Method::Kind::kReward) {
    return Made(std::make_unique<RewardObjective>(*method.loss, *method.options, learner, data,
                                                  recipe.reward.attributes));
  }
  train::Twin* live = nullptr;
  if (method.needs_reference(recipe) && cached == nullptr) {
    CUPEL_TRY(live, at_start());
    live = live != nullptr ? live : &*frozen_twin_;
  }
  CUPEL_TRY(PreferenceObjective objective,
            PreferenceObjective::create(*method.loss, *method.options, learner, data,
                                        {.cached = cached, .live = live}));
  return Made(std::make_unique<PreferenceObjective>(std::move(objective)));
}

/// All items of a data set as one step, in their order.
Result<train::StepPlan> RunObjectives::whole_plan(const train::DataSet& data) const {
  train::Recipe recipe = *parts_.recipe;
  recipe.data.mixture = "none";  // is of the training files
  CUPEL_TRY(train::BatchOptions options,
            train::batch_options(recipe, data, parts_.collective->size()));
  options.order = {.seed = 0, .shuffle = false};
  if (options.packing == train::Packing::kWrapped) {
    options.packing = train::Packing::kBfdSplit;  // every token is looked at once either way
  }
  options.drop_last = false;
  const auto items = static_cast<int64_t>(data.lengths.size());
  int64_t bins = items;  // at most: items that are cut have a bin for each part
  if (options.packing == train::Packing::kBfdSplit) {
    bins = 0;
    for (const int64_t length : data.lengths) {
      bins += (length + options.max_length - 1) / options.max_length;
    }
  }
  const int64_t unit = std::max<int64_t>(options.micro_batch, 1) * options.ranks;
  options.batch = (bins + unit - 1) / unit * unit;
  options.window = items;
  CUPEL_TRY(train::Batcher batcher, train::Batcher::create(options, data.lengths));
  train::StepPlan plan = batcher.next();
  int64_t tokens = 0;
  for (const train::Bin& bin : plan.bins) {
    tokens += train::bin_tokens(bin);
  }
  CUPEL_CHECK(tokens == std::accumulate(data.lengths.begin(), data.lengths.end(), int64_t{0}),
              "an evaluation sees every token");
  return plan;
}

}  // namespace cupel::align
