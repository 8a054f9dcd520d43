#include "align/tune/tune.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "align/tune/plan.h"
#include "align/tune/run_folder.h"
#include "align/tune/run_objectives.h"
#include "align/tune/sample_file.h"
#include "base/error.h"
#include "base/io.h"
#include "base/remove_path.h"
#include "base/text.h"
#include "tensor/guard.h"
#include "tensor/threads.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/model/export.h"
#include "train/parallel/sharding.h"
#include "train/recipe/recipe_options.h"

namespace cupel::align {
namespace {

using train::Recipe;

Json texts(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) {
    list.push_back(value);
  }
  return list;
}

train::OptimiserOptions optimiser_options(const Recipe& recipe) {
  const Recipe::Optim& optim = recipe.optim;
  return {.weight_decay = optim.weight_decay,
          .beta1 = optim.beta1,
          .beta2 = optim.beta2,
          .epsilon = optim.eps,
          .momentum = optim.momentum,
          .seed = recipe.seed};
}

/// One run: the parts that its trainer is made of, and their order of life.
class Run {
 public:
  Run(const Recipe& recipe,
      const TuneOptions& options,
      train::Collective& collective,
      const TuneHooks& hooks)
      : recipe_(recipe), options_(options), collective_(collective), hooks_(hooks) {}

  Result<TuneOutcome> go() {
    CUPEL_TRY(prepared_, prepare_run(recipe_, collective_.size()));
    CUPEL_TRY_VOID(check_prepared_rows(recipe_, prepared_));
    CUPEL_TRY(const MemoryPlan plan, plan_memory(recipe_, prepared_));
    CUPEL_TRY_VOID(check_memory(plan));
    CUPEL_TRY_VOID(open_folder());
    note_data();
    CUPEL_TRY_VOID(load_model());
    CUPEL_TRY(const std::vector<int64_t> done, checkpoints_->steps());
    CUPEL_TRY(objectives_,
              RunObjectives::create({.recipe = &recipe_,
                                     .prepared = &prepared_,
                                     .learner = learner_.get(),
                                     .collective = &collective_,
                                     .folder = folder_->path(),
                                     .trained_already = !done.empty(),
                                     .stop = hooks_.stop,
                                     .note = [this](std::string_view line) { note(line); }}));
    CUPEL_TRY_VOID(make_optimiser());
    CUPEL_TRY_VOID(restore());
    CUPEL_TRY_VOID(take_samples("before"));
    if (first() && hooks_.begin) {
      hooks_.begin(prepared_.total_steps);
    }
    TuneOutcome outcome{.total_steps = prepared_.total_steps};
    CUPEL_TRY(outcome.end, train());
    outcome.state = state_;
    if (outcome.end != train::TrainEnd::kStopped) {
      CUPEL_TRY(outcome.result, save_result());
      CUPEL_TRY_VOID(take_samples("after"));
    }
    return outcome;
  }

 private:
  [[nodiscard]] bool first() const { return collective_.rank() == 0; }
  void note(std::string_view line) const {
    if (first() && hooks_.note) {
      hooks_.note(line);
    }
  }

  void note_data() const {
    const train::DataCounts& counts = prepared_.data.counts;
    note(format("data: {}; {} tokens, {} of them learnt; {} steps", train::counts_text(counts),
                counts.tokens, counts.labels, prepared_.total_steps));
    for (const std::string& reason : counts.reasons) {
      note("left out: " + reason);
    }
    if (const std::string warning = train::equal_answers_warning(counts); !warning.empty()) {
      note(warning);
    }
  }

  Result<Ok> open_folder() {
    const Json identity = Json::object()
                              .set("kind", "tune")
                              .set("model", prepared_.start_fingerprint())
                              .set("data", texts(prepared_.data_fingerprints));
    // Process 0 makes it, the others find it.
    Result<RunFolder> opened = failed_precondition("the run's folder was not made");
    if (first()) {
      opened = RunFolder::open(recipe_, identity, options_.allow_changed);
    }
    std::array<double, 1> failed = {first() && !opened ? 1.0 : 0.0};
    CUPEL_TRY_VOID(collective_.sum(failed, "the run's folder"));
    if (!first() && failed[0] == 0) {
      opened = RunFolder::of_others(recipe_);
    }
    CUPEL_TRY(folder_, std::move(opened));
    checkpoints_.emplace(folder_->file("checkpoints"));
    if (first() && !prepared_.texts.named_template.empty()) {
      CUPEL_TRY_VOID(
          write_file_atomic(folder_->file(RunFolder::kTemplate), prepared_.texts.named_template));
    }
    for (const std::string& one : folder_->differences()) {
      note("changed: " + one);
    }
    return Ok{};
  }

  Result<Ok> load_model() {
    CUPEL_TRY(train::Model model,
              train::load_model(prepared_.texts.file, {.type = parameter_type(recipe_)}));
    model.chat_template = prepared_.texts.named_template;
    note(format("model: {}, {} parameters", recipe_.model, model.parameters.elements()));
    train::LearnerOptions options = learner_options(recipe_);
    if (prepared_.method.kind == Method::Kind::kReward) {
      const auto outputs =
          static_cast<int64_t>(std::max<size_t>(1, recipe_.reward.attributes.size()));
      CUPEL_TRY(model, train::with_outputs(model, outputs, recipe_.seed));
      if (options.lora) {  // a new head is nothing that an adapter could change
        options.lora->modules_to_save.emplace_back("score");
      }
    }
    const std::string& adapter = recipe_.lora.adapter;
    CUPEL_TRY(learner_, adapter.empty()
                            ? train::Learner::create(std::move(model), options)
                            : train::Learner::resume_adapter(std::move(model), adapter, options));
    return Ok{};
  }

  Result<Ok> make_optimiser() {
    std::vector<train::TrainedParameter> all =
        learner_->optimiser_parameters({.decay_embeddings = recipe_.optim.decay_embeddings,
                                        .layer_decay = recipe_.sched.layer_decay});
    std::vector<int64_t> sizes;
    for (const train::TrainedParameter& parameter : all) {
      parameters_.push_back(parameter.tensor);
      sizes.push_back(parameter.tensor.numel());
    }
    owners_ = train::owners(sizes, collective_.size());
    std::vector<train::TrainedParameter> own;
    for (size_t i = 0; i < all.size(); ++i) {
      if (owners_[i] == collective_.rank()) {
        owned_.push_back(static_cast<int64_t>(i));
        own.push_back(std::move(all[i]));
      }
    }
    CUPEL_TRY(optimiser_, train::make_optimiser(recipe_.optim.name, std::move(own),
                                                optimiser_options(recipe_)));
    return Ok{};
  }

  Result<Ok> restore() {
    if (first()) {
      CUPEL_TRY_VOID(checkpoints_->prune(INT64_MAX, {}));
    }
    CUPEL_TRY(const std::vector<int64_t> steps, checkpoints_->steps());
    if (!steps.empty()) {
      Result<Ok> loaded = load_checkpoint(steps.back());
      if (!loaded && loaded.error().code == Code::kCorruptData) {
        const std::string then = steps.size() > 1
                                     ? format("go on after step {}", steps[steps.size() - 2])
                                     : std::string("begin anew");
        const std::string what = replace_all(loaded.error().message, ": fetch it again", "");
        return corrupt_data("{}; remove {}/step-{} to {}", what, folder_->file("checkpoints"),
                            steps.back(), then);
      }
      CUPEL_TRY_VOID(std::move(loaded));
      note(format("going on after step {} of {}", state_.step, prepared_.total_steps));
    }
    if (first()) {
      // An evaluation before the first step is of step 0.
      CUPEL_TRY(records_,
                RunRecords::open(*folder_, {.tensorboard = recipe_.log.tensorboard,
                                            .next_step = steps.empty() ? 0 : state_.step + 1}));
    }
    return Ok{};
  }

  Result<Ok> load_checkpoint(int64_t step) {
    CUPEL_TRY(const Json state, checkpoints_->state(step));
    CUPEL_TRY(state_, train::TrainerState::from_json(state));
    if (state_.step != step) {
      return corrupt_data("{}: the checkpoint of step {} says that it is of step {}",
                          folder_->file("checkpoints"), step, state_.step);
    }
    CUPEL_TRY(const Json* cursor, get_object(state, "cursor"));
    CUPEL_TRY_VOID(prepared_.batcher->restore(*cursor));
    return checkpoints_->load(step, *learner_, *optimiser_);
  }

  Result<Ok> save_checkpoint(const train::TrainerState& state) {
    CUPEL_TRY(const std::vector<int64_t> there, checkpoints_->steps());
    if (std::ranges::find(there, state.step) == there.end()) {
      Json whole = state.to_json();
      whole.set("cursor", prepared_.batcher->cursor());
      whole.set("processes", collective_.size());
      CUPEL_TRY_VOID(checkpoints_->save(state.step, *learner_, *optimiser_, whole, collective_));
    }
    const bool keep_best = recipe_.checkpoint.best_by == "loss" && state.best_loss.has_value();
    return first() ? checkpoints_->prune(recipe_.checkpoint.keep,
                                         keep_best ? std::optional(state.best_step) : std::nullopt)
                   : Result<Ok>(Ok{});
  }

  train::TrainerHooks trainer_hooks() {
    train::TrainerHooks hooks;
    hooks.stop = hooks_.stop;
    if (first()) {
      hooks.record = [this](const Json& record, const Json& timing) -> Result<Ok> {
        CUPEL_TRY_VOID(records_->append(record, timing));
        if (hooks_.record) {
          hooks_.record(record, timing);
        }
        return Ok{};
      };
    }
    hooks.bad_batch = [this](const Json& bad) {
      const std::string name =
          first() ? "bad_batch.json" : format("bad_batch-{}.json", collective_.rank() + 1);
      return write_file_atomic(folder_->file(name), dump_json(bad, {.indent = 2}) + "\n");
    };
    hooks.checkpoint = [this](const train::TrainerState& state) { return save_checkpoint(state); };
    // 2 per parameter forward, 2 backward, and 2 for the gradient where it is trained.
    const auto elements = static_cast<double>(learner_->model().parameters.elements());
    hooks.flops_per_token = (learner_->lora() != nullptr ? 4 : 6) * elements;
    return hooks;
  }

  Result<train::TrainEnd> train() {
    const int64_t baseline = recipe_.sched.baseline_tokens > 0
                                 ? recipe_.sched.baseline_tokens
                                 : recipe_.batch.size * recipe_.data.max_length;
    const train::TrainerOptions options{.total_steps = prepared_.total_steps,
                                        .clip = recipe_.optim.clip,
                                        .max_skipped = recipe_.optim.max_skipped,
                                        .adaptive_tokens = recipe_.sched.adaptive ? baseline : 0,
                                        .eval_every = recipe_.eval.every,
                                        .eval_at_start = recipe_.eval.at_start,
                                        .patience = recipe_.eval.patience,
                                        .checkpoint_every = recipe_.checkpoint.every,
                                        .checkpoint_best = recipe_.checkpoint.best_by == "loss"};
    train::Trainer::Parts parts{.objective = &objectives_->training(),
                                .batcher = &*prepared_.batcher,
                                .optimiser = optimiser_.get(),
                                .schedule = &*prepared_.schedule,
                                .collective = &collective_,
                                .parameters = parameters_,
                                .owned = owned_,
                                .share = {},
                                .evaluation = objectives_->evaluation()};
    if (collective_.size() > 1) {
      parts.share = [this] {
        return train::share_parameters(collective_, parameters_, owners_, "the new parameters");
      };
    }
    train::Trainer trainer(std::move(parts), options, trainer_hooks());
    return trainer.run(state_);
  }

  Result<std::string> save_result() {
    const std::string path = folder_->file(learner_->lora() != nullptr ? "adapter" : "model");
    if (first()) {
      CUPEL_TRY_VOID(write_result(path));
    }
    CUPEL_TRY_VOID(collective_.barrier("the result"));
    return path;
  }

  /// A run that went on after its end has a result of an earlier step.
  Result<Ok> write_result(const std::string& path) {
    CUPEL_TRY(const bool there, path_exists(path));
    CUPEL_TRY(const int64_t step, folder_->result_step());
    if (there && step == state_.step) {
      return Ok{};
    }
    CUPEL_TRY_VOID(remove_path(path));
    if (learner_->lora() != nullptr) {
      CUPEL_TRY_VOID(learner_->lora()->save(path));
    } else {
      CUPEL_TRY(const engine::ConvertReport saved, train::save_folder(learner_->model(), path));
      for (const std::string& warning : saved.notes) {
        note("warning: " + warning);
      }
    }
    return folder_->set_result_step(state_.step);
  }

  Result<Ok> take_samples(std::string_view when) {
    const bool writes = prepared_.method.kind != Method::Kind::kReward;
    if (!first() || !hooks_.sample || recipe_.eval.samples == 0 || !writes) {
      return Ok{};
    }
    CUPEL_TRY(SampleFile file, SampleFile::open(folder_->file("samples.jsonl")));
    if (file.has(state_.step, when) || (when == "before" && state_.step > 0)) {
      return Ok{};
    }
    return learner_->with_merged([&](const train::Model& model) -> Result<Ok> {
      CUPEL_TRY(const std::vector<Json> samples, hooks_.sample(model));
      return file.replace(state_.step, when, samples);
    });
  }

  const Recipe& recipe_;
  TuneOptions options_;
  train::Collective& collective_;
  const TuneHooks& hooks_;

  PreparedRun prepared_;
  std::optional<RunFolder> folder_;
  std::optional<train::CheckpointFolder> checkpoints_;
  std::unique_ptr<train::Learner> learner_;
  std::unique_ptr<RunObjectives> objectives_;
  std::vector<at::Tensor> parameters_;
  std::vector<int64_t> owners_;
  std::vector<int64_t> owned_;
  std::unique_ptr<train::Optimiser> optimiser_;
  std::optional<RunRecords> records_;
  train::TrainerState state_;
};

}  // namespace

Result<TuneOutcome> tune(const Recipe& recipe,
                         const TuneOptions& options,
                         train::Collective& collective,
                         const TuneHooks& hooks) {
  return tensor::guard([&] { return Run(recipe, options, collective, hooks).go(); });
}

}  // namespace cupel::align
