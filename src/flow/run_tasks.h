#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "flow/journal.h"

namespace cupel::flow {

/// Rows of the tasks that a task needs, in the order of `needs`.
using Inputs = std::vector<const Json*>;
/// Reports a task's row or failure, once, from any thread.
using Done = std::function<void(Result<Json>)>;

/// One row of work.
struct Task {
  std::string key;                 ///< unique in the graph, the same in every run of it
  std::string lane;                ///< e.g. of one model's calls; see RunOptions::lanes
  std::vector<std::string> needs;  ///< keys of tasks whose rows it reads
  /// Begins the work; may return before it is done. Must not throw.
  std::function<void(const Inputs& inputs, Done done)> start;
};

/// What the tasks of a lane share.
struct Lane {
  int64_t limit = 1;  ///< tasks that may be in flight at once
  /// What they all keep busy. Lanes of one resource take turns: while tasks of one are in flight,
  /// none of another starts. A lane whose turn it is keeps it until it has no task ready and none
  /// in flight; then the lane goes on whose ready task comes first in the list. Empty: nothing is
  /// shared.
  std::string resource;
};

/// A lane of a model's calls: as many at once as are worth it, in turns with others of its
/// resource.
Lane lane_of(const ChatModel& model);

struct RunOptions {
  std::map<std::string, Lane> lanes;  ///< lanes that are not named here are as Lane{}
  std::stop_token stop;
  /// After each row, also for rows that the journal already held (`resumed`). One call at a time.
  std::function<void(const Task& task, const Json& row, bool resumed)> on_row;
};

/// Runs all tasks that the journal does not hold yet, each as soon as its needs are there. Tasks
/// that come first in the list go first. Errors: the first failure of a task, in its own code, once
/// everything in flight has ended; rows that finished are in the journal. kCancelled after a stop
/// request. kInvalidArgument for a graph with unknown needs, equal keys or a cycle.
Result<Ok> run_tasks(const std::vector<Task>& tasks, Journal& journal, const RunOptions& options);

}  // namespace cupel::flow
