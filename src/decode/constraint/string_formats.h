#pragma once

#include <string>
#include <string_view>

namespace cupel::decode::constraint {

/// The pattern of a "format" of JSON Schema, or "" for those that are not supported. What it
/// describes satisfies the format's definition; not all that does is described.
std::string_view format_pattern(std::string_view format);

/// Those of OpenAPI that say how a string is shown or sent, not what it is.
bool is_open_format(std::string_view format);

/// The names of all, for messages.
std::string format_names();

}  // namespace cupel::decode::constraint
