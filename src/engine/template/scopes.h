#pragma once

#include "base/result.h"
#include "engine/template/ast.h"

namespace cupel::engine::jinja {

/// Gives every variable of the template its slot, by jinja2's scoping rules: names are bound by the
/// place in the text, not by what ran before. Also checks that the filters and tests exist (those
/// below an `if` are checked when they are reached, as in jinja2).
///
/// Errors: kCorruptData, "template:LINE: no filter named …".
Result<Ok> resolve_scopes(Template& parsed);

}  // namespace cupel::engine::jinja
