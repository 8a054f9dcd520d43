#pragma once

#include <span>

#include "engine/template/call.h"

namespace cupel::engine::jinja {

// The filters by kind; find_filter (call.h) looks in all of them.
std::span<const Builtin> text_filters();
std::span<const Builtin> markup_filters();
std::span<const Builtin> layout_filters();
std::span<const Builtin> value_filters();
std::span<const Builtin> sequence_filters();
std::span<const Builtin> selection_filters();

/// Strings in lower case, other values as they are: how filters compare unless told otherwise.
Result<Value> ignore_case(Runtime& runtime, const Value& value);

/// The input of a text filter as a string: strings as they are (markup stays markup), other values
/// by str().
Result<Value> soft_text(Runtime& runtime, const Value& value);

}  // namespace cupel::engine::jinja
