#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace cupel::test {

/// Names of the fixtures in tests/data/oracles/families, sorted: tiny checkpoints of every family.
std::vector<std::string> family_fixtures();
/// One of them; a file that cannot be read ends the process, since nothing could be tested.
Json family_fixture(const std::string& name);

}  // namespace cupel::test
