#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/running_calls.h"
#include "flow/run_tasks.h"
#include "judge/benchmark.h"
#include "judge/participants.h"
#include "judge/protocol.h"
#include "judge/run_folder.h"
#include "judge/waiting_threads.h"

namespace cupel::judge {

/// The request for one answer: the turns so far with the model's own answers between them. `before`
/// holds the rows of the earlier turns. The same run gives the same request, seed and all.
ChatRequest answer_request(const Benchmark& benchmark,
                           const RunSettings& settings,
                           const Question& question,
                           int turn,
                           const flow::Inputs& before);

/// The lane of a model's answers, and that of all verdicts.
std::string answer_lane(const std::string& model);
inline constexpr const char* kVerdictLane = "verdict";

/// Builds the graph of an evaluation: answers of each model turn by turn, and each item that the
/// protocol judges after the answers that it reads. What it is given must outlive the tasks.
class EvaluationGraph {
 public:
  EvaluationGraph(const Benchmark& benchmark,
                  const RunFolder& run,
                  const Protocol& protocol,
                  const Judge& judge,
                  WaitingThreads& threads,
                  RunningCalls& calls);

  void add_contender(const Contender& contender);
  /// A member of the run that is not among the contenders of this call: judged as far as it has
  /// answered.
  void add_recorded(const std::string& name);
  /// The tasks: after each model's answers whatever can be judged by then.
  std::vector<flow::Task> take() { return std::move(tasks_); }

 private:
  [[nodiscard]] flow::Task answer_task(ChatModel& model,
                                       const std::string& name,
                                       const Question& question,
                                       int turn) const;
  [[nodiscard]] flow::Task verdict_task(const JudgeItem& item) const;
  void add_answer(flow::Task task);
  void add_verdicts();

  const Benchmark& benchmark_;
  const RunFolder& run_;
  const Protocol& protocol_;
  const Judge& judge_;
  WaitingThreads& threads_;
  RunningCalls& calls_;
  std::vector<const Question*> questions_;
  std::vector<JudgeItem> items_;   // that have no task yet
  std::set<std::string> answers_;  // keys of answers that have one
  std::vector<flow::Task> tasks_;
};

}  // namespace cupel::judge
