#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace cupel::test {

/// Names of the fixtures in tests/data/oracles/families, sorted: tiny checkpoints of every family.
std::vector<std::string> family_fixtures();
/// One of them; a file that cannot be read ends the process, since nothing could be tested.
Json family_fixture(const std::string& name);

/// Whether a tensor belongs to the part of a multimodal fixture that sees.
bool is_unused_part(std::string_view tensor);
/// What a tensor is called in a folder of the text model alone.
std::string text_name(std::string_view tensor);

}  // namespace cupel::test
