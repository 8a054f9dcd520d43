#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/loop/learner.h"
#include "train/optimiser/optimiser.h"
#include "train/parallel/collective.h"

namespace cupel::train {

/// The checkpoints of a run: `folder`/step-N, each with
///   model/ or adapter/    what is trained, as transformers or PEFT loads it
///   optimizer-*.safetensors   the state of each process's optimiser
///   state.json            everything else
/// A checkpoint appears when it is complete; a killed run leaves nothing that looks like one.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string folder) : folder_(std::move(folder)) {}

  /// What stands there, ascending steps. Errors: those of list_folder.
  [[nodiscard]] Result<std::vector<int64_t>> steps() const;
  [[nodiscard]] std::string path_of(int64_t step) const;

  /// Writes a checkpoint, on all processes together: they see one file system. `state` is the
  /// record of process 0. Errors: kExhausted - the disk is full; then nothing appears.
  Result<Ok> save(int64_t step,
                  const Learner& learner,
                  const Optimiser& optimiser,
                  const Json& state,
                  Collective& collective) const;

  /// Puts parameters and optimiser back to where they were, whatever the number of processes was.
  /// Errors: kCorruptData, kNotFound naming the file.
  Result<Ok> load(int64_t step, const Learner& learner, Optimiser& optimiser) const;
  [[nodiscard]] Result<Json> state(int64_t step) const;

  /// Removes all but the last `keep` and `best`, and what a killed run left half written.
  Result<Ok> prune(int64_t keep, std::optional<int64_t> best) const;

 private:
  std::string folder_;
};

}  // namespace cupel::train
