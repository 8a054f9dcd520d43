#pragma once

#include <string>
#include <vector>

#include "align/losses/loss.h"
#include "base/json.h"
#include "base/result.h"

namespace cupel::align {

/// Sequences of a fixture as they stand in the file, with the tensor whose gradient is asked for.
struct FixtureLeaf {
  std::string key;               ///< as in the file: "chosen", "completion", …
  at::Tensor policy;             ///< [B,T], requires a gradient
  at::Tensor mask;               ///< [B,T] bool, true where the file has a number
  std::vector<int64_t> lengths;  ///< numbers of each row
};

/// A batch read from a fixture.
struct Fixture {
  std::vector<FixtureLeaf> leaves;
  LossBatch batch;
  std::vector<std::string> ignored;  ///< what stands in the file and the loss does not read
};

/// Reads a fixture: `{"policy": {ROLE: [[…], …]}, "reference": …, "weights": …, "scores": …,
/// "labels", "margins", "ties", "params": {…}}`, one inner list per sequence,
/// numbers in nats. docs/losses.md describes the form. `type` is at::kDouble or at::kFloat.
/// What the loss does not read under `options` is left out of the batch; `params` are not read
/// here. Errors: kCorruptData - a key that no fixture has (with the
/// nearest), another type, lists that do not fit.
Result<Fixture> read_fixture(const LossInfo& info,
                             const LossOptions& options,
                             const Json& json,
                             at::ScalarType type);

}  // namespace cupel::align
