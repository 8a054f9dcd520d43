#pragma once

#include <cstdint>

namespace cupel::engine {

/// The script that the step UnicodeScripts of `tokenizers` gives a character, as a number without
/// meaning; 0: none, it goes with any (unicode_scripts.def).
int script_of(uint32_t code_point);

}  // namespace cupel::engine
