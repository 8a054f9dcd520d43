#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cupel::engine {

/// Characters newer than the Unicode tables of the libraries (unicode_additions.def).

/// Two-letter general category of a new character; empty for all others.
std::string_view added_category(uint32_t code_point);
/// The new characters of a property ("L", "Lu", "sc:Han") as ranges of a regular expression's
/// class; empty when there are none.
std::string added_ranges(std::string_view property);

}  // namespace cupel::engine
