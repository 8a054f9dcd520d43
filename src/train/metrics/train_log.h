#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/io.h"
#include "base/json.h"
#include "base/result.h"

namespace cupel::train {

/// `train.jsonl`: one object a line, each with "step"; steps never fall.
///
/// A line is one write(2): a killed run leaves at most a cut last line, which readers pass over.
/// A run that resumes at a step cuts off what was written from that step on, so that its file
/// becomes the one of a run that was never stopped. Movable.
class TrainLog {
 public:
  /// Opens or creates the file, which keeps the lines of steps before `next_step`.
  /// Errors: kCorruptData `path:line: …` - a line that is none of ours; kFailedPrecondition -
  /// another process writes to it; those of system_error.
  static Result<TrainLog> open(const std::string& path, int64_t next_step);

  /// `record` has "step" as its first member. Errors: kExhausted - the disk is full, nothing of the
  /// line stays behind; kUnavailable.
  Result<Ok> append(const Json& record) { return file_.append(record); }

 private:
  explicit TrainLog(JsonlAppender file) : file_(std::move(file)) {}
  JsonlAppender file_;
};

/// Calls `record(step, value)` for each whole line. Errors: as TrainLog::open, and those of
/// `record`, with the place.
Result<Ok> for_each_train_record(
    const std::string& path, const std::function<Result<Ok>(int64_t step, Json&& value)>& record);

}  // namespace cupel::train
