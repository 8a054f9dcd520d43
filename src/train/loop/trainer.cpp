#include "train/loop/trainer.h"

#include <cmath>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_fields.h"
#include "base/process_usage.h"
#include "tensor/guard.h"
#include "train/optimiser/gradient_norm.h"

namespace cupel::train {
namespace {

Json record_of(const StepResult& result, const TrainerState& state, int64_t epoch) {
  Json record = Json::object();
  record.set("step", state.step);
  record.set("epoch", epoch);
  record.set("tokens", state.tokens);
  record.set("samples", state.samples);
  record.set("labels", result.size.labels);
  record.set("loss", result.loss);
  return record;
}

/// "nan", whatever its sign.
std::string text_of(double number) {
  return std::isnan(number) ? "nan" : format("{}", number);
}

void add_means(Json& record, const StepResult& result) {
  for (const MetricSum& metric : result.metrics) {
    if (metric.count != 0) {
      record.set(metric.name, metric.sum / metric.count);
    }
  }
}

}  // namespace

Json TrainerState::to_json() const {
  return Json::object()
      .set("step", step)
      .set("tokens", tokens)
      .set("samples", samples)
      .set("skipped", skipped)
      .set("skipped_now", skipped_now)
      .set("best_loss", best_loss ? Json(*best_loss) : Json())
      .set("best_step", best_step)
      .set("evaluations_since_best", evaluations_since_best);
}

Result<TrainerState> TrainerState::from_json(const Json& json) {
  TrainerState state;
  CUPEL_TRY(state.step, get_int(json, "step"));
  CUPEL_TRY(state.tokens, get_int(json, "tokens"));
  CUPEL_TRY(state.samples, get_int(json, "samples"));
  CUPEL_TRY(state.skipped, get_int(json, "skipped"));
  CUPEL_TRY(state.skipped_now, get_int(json, "skipped_now"));
  if (const Json* best = json.find("best_loss"); best != nullptr && best->is_number()) {
    state.best_loss = best->as_double();
  }
  CUPEL_TRY(state.best_step, get_int(json, "best_step"));
  CUPEL_TRY(state.evaluations_since_best, get_int(json, "evaluations_since_best"));
  for (const int64_t count : {state.step, state.tokens, state.samples, state.skipped,
                              state.skipped_now, state.best_step, state.evaluations_since_best}) {
    if (count < 0) {
      return corrupt_data("the state of the run has a count below 0 ({})", count);
    }
  }
  return state;
}

Trainer::Trainer(Parts parts, const TrainerOptions& options, TrainerHooks hooks)
    : parts_(std::move(parts)),
      options_(options),
      hooks_(std::move(hooks)),
      runner_(*parts_.objective, parts_.parameters, *parts_.collective) {
  if (parts_.evaluation.objective != nullptr) {
    evaluator_.emplace(*parts_.evaluation.objective, std::vector<at::Tensor>(), *parts_.collective);
  }
}

Json Trainer::timing(const TrainerState& state, int64_t tokens, double seconds) const {
  Json timing = Json::object();
  timing.set("step", state.step);
  timing.set("step_ms", seconds * 1e3);
  timing.set("tok_per_s", static_cast<double>(tokens) / seconds);
  if (hooks_.flops_per_token > 0) {
    timing.set("flops_per_s", hooks_.flops_per_token * static_cast<double>(tokens) / seconds);
  }
  if (const auto bytes = peak_resident_bytes()) {
    timing.set("mem_bytes", *bytes);
  }
  timing.set("time", unix_seconds());
  return timing;
}

Result<Ok> Trainer::report_bad(const TrainerState& state,
                               const StepPlan& plan,
                               double loss,
                               double norm) {
  if (!hooks_.bad_batch) {
    return Ok{};
  }
  Json rows = Json::array();
  for (const auto& ranks : plan.micro_batches) {
    for (const std::string& id :
         parts_.objective->row_ids(ranks[static_cast<size_t>(parts_.collective->rank())])) {
      rows.push_back(id);
    }
  }
  // JSON has no NaN: texts.
  return hooks_.bad_batch(Json::object()
                              .set("step", state.step + 1)
                              .set("loss", text_of(loss))
                              .set("grad_norm", text_of(norm))
                              .set("rows", std::move(rows)));
}

Result<bool> Trainer::update(TrainerState& state, double lr, double norm) {
  if (!std::isfinite(norm)) {
    ++state.skipped;
    ++state.skipped_now;
    return false;
  }
  state.skipped_now = 0;
  std::vector<at::Tensor>& gradients = runner_.gradients();
  return tensor::guard([&]() -> Result<bool> {
    if (options_.clip > 0) {
      clip_gradients_(gradients, norm, options_.clip);
    }
    std::vector<at::Tensor> own;
    for (const int64_t index : parts_.owned) {
      own.push_back(gradients[static_cast<size_t>(index)]);
    }
    parts_.optimiser->step(own, lr);
    if (parts_.share) {
      CUPEL_TRY_VOID(parts_.share());
    }
    return true;
  });
}

Result<Ok> Trainer::train_step(TrainerState& state) {
  const Stopwatch watch;
  const StepPlan plan = parts_.batcher->next();
  CUPEL_TRY(const StepResult result, runner_.train(plan, state.step));
  double norm = gradient_norm(runner_.gradients());
  if (!std::isfinite(result.loss)) {
    norm = result.loss;
  }
  double lr = parts_.schedule->lr(state.step);
  if (options_.adaptive_tokens > 0) {
    lr = adaptive_lr(lr, result.size.labels, options_.adaptive_tokens);
  }
  CUPEL_TRY(const bool updated, update(state, lr, norm));
  runner_.clear();
  if (!updated) {
    CUPEL_TRY_VOID(report_bad(state, plan, result.loss, norm));
    if (state.skipped_now >= options_.max_skipped) {
      return failed_precondition(
          "step {}: the gradient was not finite for {} steps in a row (loss {}); the last "
          "checkpoint is intact: lower optim.lr, or look at the rows in bad_batch.json",
          state.step + 1, state.skipped_now, text_of(result.loss));
    }
  }
  ++state.step;
  state.tokens += result.size.tokens;
  state.samples += result.size.samples;
  if (hooks_.record) {
    Json record = record_of(result, state, plan.epoch);
    record.set("lr", lr).set("grad_norm", norm).set("skipped", state.skipped);
    add_means(record, result);
    CUPEL_TRY_VOID(hooks_.record(record, timing(state, result.size.tokens, watch.seconds())));
  }
  return Ok{};
}

Result<Ok> Trainer::evaluate(TrainerState& state) {
  if (!evaluator_) {
    return Ok{};
  }
  const Stopwatch watch;
  CUPEL_TRY(const StepResult total, evaluator_->evaluate(parts_.evaluation.plan, state.step));
  // A loss that is not finite is never the best.
  if (std::isfinite(total.loss) && (!state.best_loss || total.loss < *state.best_loss)) {
    state.best_loss = total.loss;
    state.best_step = state.step;
    state.evaluations_since_best = 0;
  } else {
    ++state.evaluations_since_best;
  }
  if (!hooks_.record) {
    return Ok{};
  }
  Json numbers = Json::object().set("loss", total.loss).set("labels", total.size.labels);
  add_means(numbers, total);
  if (const Json* nll = numbers.find("nll"); nll != nullptr) {
    numbers.set("perplexity", std::exp(nll->as_double()));
  }
  return hooks_.record(Json::object().set("step", state.step).set("eval", std::move(numbers)),
                       timing(state, total.size.tokens, watch.seconds()).set("eval", true));
}

Result<TrainEnd> Trainer::run(TrainerState& state) {
  const auto no_gain = [&] {
    return options_.patience > 0 && state.evaluations_since_best >= options_.patience;
  };
  if (state.step > 0 && state.step < options_.total_steps && no_gain()) {
    return TrainEnd::kNoGain;  // the run had ended so before
  }
  if (state.step == 0 && options_.eval_at_start) {
    CUPEL_TRY_VOID(evaluate(state));
  }
  while (state.step < options_.total_steps) {
    CUPEL_TRY_VOID(train_step(state));
    const bool last = state.step == options_.total_steps;
    bool best = false;
    if (last || (options_.eval_every > 0 && state.step % options_.eval_every == 0)) {
      CUPEL_TRY_VOID(evaluate(state));
      best = options_.checkpoint_best && state.best_loss && state.best_step == state.step;
    }
    // All processes stop at the same step: one that was asked to tells the others.
    std::array<double, 1> asked = {hooks_.stop.stop_requested() ? 1.0 : 0.0};
    CUPEL_TRY_VOID(parts_.collective->sum(asked, format("the end of step {}", state.step)));
    const bool stopped = asked[0] > 0 && !last;
    const bool due = options_.checkpoint_every > 0 && state.step % options_.checkpoint_every == 0;
    if (hooks_.checkpoint && (last || due || best || stopped || no_gain())) {
      CUPEL_TRY_VOID(hooks_.checkpoint(state));
    }
    if (stopped || (no_gain() && !last)) {
      return stopped ? TrainEnd::kStopped : TrainEnd::kNoGain;
    }
  }
  return TrainEnd::kDone;
}

}  // namespace cupel::train
