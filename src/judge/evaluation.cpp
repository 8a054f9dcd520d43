#include "judge/evaluation.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "core/running_calls.h"
#include "flow/run_tasks.h"
#include "judge/evaluation_graph.h"

namespace cupel::judge {

Result<Ok> check_participants(const Protocol& protocol,
                              std::span<const Contender> contenders,
                              const Judge& judge) {
  if (protocol.needs_scorer && judge.scorer == nullptr) {
    return invalid_argument(
        "protocol {} needs a judge that gives label probabilities; name one with --judge",
        protocol.name);
  }
  if (!protocol.needs_scorer && judge.model == nullptr) {
    return invalid_argument("protocol {} needs a judge; name one with --judge", protocol.name);
  }
  std::set<std::string> names;
  for (const Contender& contender : contenders) {
    const std::string& name = contender.model->name();
    if (!names.insert(name).second) {
      return invalid_argument("two models are called \"{}\"; give one another NAME=", name);
    }
    if (!contender.model->capabilities().chat) {
      return failed_precondition(
          "{}: this model has no chat template; name one with NAME=FILE.gguf,template=FILE.jinja",
          name);
    }
  }
  return Ok{};
}

Result<Ok> Evaluation::prepare() {
  CUPEL_TRY_VOID(protocol_.check(benchmark_));
  CUPEL_TRY_VOID(check_participants(protocol_, contenders_, judge_));
  for (const Contender& contender : contenders_) {
    CUPEL_TRY_VOID(run_.add_model({.name = contender.model->name(),
                                   .fingerprint = contender.model->fingerprint(),
                                   .spec = contender.spec,
                                   .is_control = contender.is_control}));
  }
  return run_.add_judge(
      {.name = judge_.name, .fingerprint = judge_.fingerprint, .spec = judge_.spec},
      std::string(protocol_.name));
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
  const int64_t judge_calls =
      judge_.model != nullptr ? judge_.model->capabilities().parallel_calls : 1;
  const bool local = judge_.model == nullptr || judge_.model->capabilities().raw;
  WaitingThreads threads(local ? 1 : std::min<int64_t>(judge_calls, 16));
  RunningCalls calls(options.stop);
  EvaluationGraph graph(benchmark_, run_, protocol_, judge_, threads, calls);
  flow::RunOptions run_options{.stop = options.stop};
  for (const Contender& contender : contenders_) {
    graph.add_contender(contender);
    run_options.lane_limits[answer_lane(*contender.model)] =
        contender.model->capabilities().parallel_calls;
  }
  for (const std::string& name : recorded()) {
    graph.add_recorded(name);
  }
  run_options.lane_limits[kVerdictLane] = protocol_.needs_scorer && local ? 2 : judge_calls;
  run_options.on_row = [&](const flow::Task& task, const Json&, bool resumed) {
    if (options.on_row) {
      const auto parts = split(task.key, '/');
      const bool answer = parts[0] == "answer";
      options.on_row(std::string(parts[0]), std::string(parts[answer ? 1 : 3]), resumed);
    }
  };
  const std::vector<flow::Task> tasks = graph.take();
  return flow::run_tasks(tasks, run_.journal(), run_options);
}

}  // namespace cupel::judge
