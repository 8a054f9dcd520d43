#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace cupel::test {

/// Writes config.json and model.safetensors of a fixture of bench/oracles/families_oracle.py into
/// `folder`: its "config", and its "tensors" filled with the numbers that the script computes from
/// their names.
Result<Ok> write_seeded_checkpoint(const Json& fixture, const std::string& folder);

}  // namespace cupel::test
