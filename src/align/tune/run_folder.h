#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/json.h"
#include "base/result.h"
#include "train/metrics/event_file.h"
#include "train/metrics/train_log.h"
#include "train/recipe/recipe.h"

namespace cupel::align {

/// The folder of a run.
///   .lock             held by the process that trains
///   recipe.toml       what it was told, every key
///   chat_template.jinja   that of data.chat_template
///   run.json          versions, fingerprints of model and data
///   train.jsonl       one record a step and evaluation; the same whenever the run is made again
///   timing.jsonl      what is not: times, speed, memory
///   samples.jsonl     answers before and after
///   bad_batch.json    the last step whose gradient was not finite
///   checkpoints/      CheckpointFolder
///   reference.safetensors   log-probs of the reference
///   model/ or adapter/      the result
///   result.json       of which step it is
///   events.out.tfevents.*   TensorBoard
class RunFolder {
 public:
  /// Makes the folder, or takes up the run that is there when its recipe, model and data are the
  /// same. `identity`: run.json. Holds a lock until the object is destroyed. Errors:
  /// kFailedPrecondition - the folder holds something else, or a run of another recipe or other
  /// data, with the differences, or another process trains there; those of make_directories.
  static Result<RunFolder> open(const train::Recipe& recipe,
                                const Json& identity,
                                bool allow_changed);
  /// The folder that process 0 has opened, for the other processes of a run: nothing is changed.
  static RunFolder of_others(const train::Recipe& recipe) { return RunFolder(recipe.out); }
  /// The chat template that a run was given: what its model is exported with.
  static constexpr std::string_view kTemplate = "chat_template.jinja";

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const;
  /// After which step the result that is there was written; -1: not known.
  [[nodiscard]] Result<int64_t> result_step() const;
  Result<Ok> set_result_step(int64_t step) const;
  /// Whether a run was here before.
  [[nodiscard]] bool resumed() const { return resumed_; }
  /// What was changed with `allow_changed`.
  [[nodiscard]] const std::vector<std::string>& differences() const { return differences_; }

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  Result<Ok> lock();
  std::string path_;
  std::optional<FileLock> lock_;
  bool resumed_ = false;
  std::vector<std::string> differences_;
};

/// The records of a run, wherever they go. Movable.
class RunRecords {
 public:
  struct Options {
    bool tensorboard = true;
    int64_t next_step = 1;  ///< records of this step and later ones are cut off
  };
  static Result<RunRecords> open(const RunFolder& folder, const Options& options);
  Result<Ok> append(const Json& record, const Json& timing);

 private:
  RunRecords(train::TrainLog log, train::TrainLog timing, std::optional<train::EventFile> events)
      : log_(std::move(log)), timing_(std::move(timing)), events_(std::move(events)) {}
  train::TrainLog log_;
  train::TrainLog timing_;
  std::optional<train::EventFile> events_;
};

}  // namespace cupel::align
