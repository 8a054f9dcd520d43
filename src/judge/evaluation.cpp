#include "judge/evaluation.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "core/running_calls.h"
#include "flow/run_tasks.h"
#include "judge/evaluation_graph.h"

namespace cupel::judge {
namespace {

// Scorers block their caller; more waiting callers than this bring nothing.
constexpr int64_t kMostScorerThreads = 16;

// A scorer in this process takes one group of prompts at a time; a second one waits with its
// prompts ready.
flow::Lane verdict_lane(const Protocol& protocol, const Judge& judge) {
  if (judge.model == nullptr) {
    return {};
  }
  flow::Lane lane = flow::lane_of(*judge.model);
  if (protocol.needs_scorer && !lane.resource.empty()) {
    lane.limit = 2;
  }
  return lane;
}

int64_t scorer_threads(const flow::Lane& verdicts) {
  return verdicts.resource.empty() ? std::min(verdicts.limit, kMostScorerThreads) : 1;
}

// "a", or "a, b": whose row a key names. Keys are answer/MODEL/… and
// verdict/JUDGE/PROTOCOL/MODEL…/QUESTION/TURN.
std::string models_of(const std::string& key) {
  const auto parts = split(key, '/');
  const size_t begin = parts.front() == "answer" ? 1 : 3;
  std::vector<std::string> models(parts.begin() + static_cast<std::ptrdiff_t>(begin),
                                  parts.end() - 2);
  return join(models, ", ");
}

Result<Ok> check_constraint(const Benchmark& benchmark,
                            const Protocol& protocol,
                            const Judge& judge) {
  if (!benchmark.options.constrain_verdicts) {
    return Ok{};
  }
  if (protocol.needs_scorer) {
    return invalid_argument(
        "protocol {} takes probabilities of labels, which have no form to be held to; leave "
        "--constrain-verdicts out",
        protocol.name);
  }
  if (judge.model != nullptr && !judge.model->capabilities().constraints) {
    return invalid_argument(
        "judge {}: only models that run in this process can be held to the form of a verdict; "
        "leave "
        "--constrain-verdicts out",
        judge.name);
  }
  return Ok{};
}

}  // namespace

Result<Ok> check_participants(const Benchmark& benchmark,
                              const Protocol& protocol,
                              std::span<const Contender> contenders,
                              const Judge& judge) {
  const bool judged = protocol.needs_judge == nullptr || protocol.needs_judge(benchmark);
  if (judged && protocol.needs_scorer && judge.scorer == nullptr) {
    return invalid_argument(
        "protocol {} needs a judge that gives label probabilities; name one with --judge",
        protocol.name);
  }
  if (judged && !protocol.needs_scorer && judge.model == nullptr) {
    return invalid_argument("protocol {} needs a judge; name one with --judge", protocol.name);
  }
  CUPEL_TRY_VOID(check_constraint(benchmark, protocol, judge));
  std::set<std::string> names;
  for (const Contender& contender : contenders) {
    const std::string& name = contender.model->name();
    if (!names.insert(name).second) {
      return invalid_argument("two models are called \"{}\"; give one another NAME=", name);
    }
    CUPEL_TRY_VOID(check_contender(*contender.model));
  }
  return Ok{};
}

Result<Ok> check_contender(const ChatModel& model) {
  if (!model.capabilities().chat) {
    return failed_precondition(
        "{}: this model has no chat template; name one with NAME=FILE.gguf,template=FILE.jinja",
        model.name());
  }
  return Ok{};
}

Result<Ok> check_members(const Protocol& protocol,
                         const std::vector<std::string>& models,
                         const std::string& baseline) {
  if (models.size() < protocol.least_models) {
    return failed_precondition("protocol {} compares models: give at least {} with --model",
                               protocol.name, protocol.least_models);
  }
  if (baseline.empty()) {
    return Ok{};
  }
  if (!protocol.takes_baseline) {
    return invalid_argument("protocol {} knows no baseline; leave --baseline out", protocol.name);
  }
  if (std::find(models.begin(), models.end(), baseline) == models.end()) {
    return invalid_argument("baseline \"{}\" is no model of this run{}; there are {}",
                            printable(baseline), did_you_mean(baseline, models),
                            join(models, ", "));
  }
  return Ok{};
}

Result<Ok> Evaluation::prepare() {
  CUPEL_TRY_VOID(protocol_.check(benchmark_));
  CUPEL_TRY_VOID(check_participants(benchmark_, protocol_, contenders_, judge_));
  std::vector<std::string> names = recorded();
  for (const Contender& contender : contenders_) {
    names.push_back(contender.model->name());
  }
  CUPEL_TRY_VOID(check_members(protocol_, names, baseline_));
  for (const Contender& contender : contenders_) {
    CUPEL_TRY_VOID(run_.add_model({.name = contender.model->name(),
                                   .fingerprint = contender.model->fingerprint(),
                                   .spec = contender.spec,
                                   .is_control = contender.is_control}));
  }
  return run_.add_judge(
      {.name = judge_.name, .fingerprint = judge_.fingerprint, .spec = judge_.spec},
      std::string(protocol_.name), baseline_);
}

std::vector<std::string> Evaluation::recorded() const {
  std::vector<std::string> names;
  for (const RunMember& member : run_.models()) {
    const bool named = std::any_of(contenders_.begin(), contenders_.end(), [&](const Contender& c) {
      return c.model->name() == member.name;
    });
    if (!named) {
      names.push_back(member.name);
    }
  }
  return names;
}

Result<Estimate> Evaluation::estimate() const {
  Estimator estimator(benchmark_, run_, protocol_, judge_);
  for (const Contender& contender : contenders_) {
    CUPEL_TRY_VOID(estimator.add_contender(contender));
  }
  for (const std::string& name : recorded()) {
    CUPEL_TRY_VOID(estimator.add_recorded(name));
  }
  return estimator.take();
}

Result<Ok> Evaluation::run(const EvaluationOptions& options) {
  const flow::Lane verdicts = verdict_lane(protocol_, judge_);
  WaitingThreads threads(scorer_threads(verdicts));
  RunningCalls calls(options.stop);
  EvaluationGraph graph(benchmark_, run_, protocol_, judge_, threads, calls);
  flow::RunOptions run_options{.lanes = {{kVerdictLane, verdicts}}, .stop = options.stop};
  for (const Contender& contender : contenders_) {
    graph.add_contender(contender);
    run_options.lanes[answer_lane(contender.model->name())] = flow::lane_of(*contender.model);
  }
  for (const std::string& name : recorded()) {
    graph.add_recorded(name);
  }
  run_options.on_row = [&](const flow::Task& task, const Json&, bool resumed) {
    if (options.on_row) {
      const bool verdict = task.lane == kVerdictLane;
      options.on_row(verdict ? "verdict" : "answer", models_of(task.key), resumed);
    }
  };
  const std::vector<flow::Task> tasks = graph.take();
  return flow::run_tasks(tasks, run_.journal(), run_options);
}

}  // namespace cupel::judge
