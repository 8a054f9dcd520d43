#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "decode/constraint/automaton.h"

namespace cupel::decode::constraint {

/// The automaton of the JSON texts that a schema describes (JSON Schema 2020-12, the subset of
/// docs/constrained.md).
///
/// Every text that it accepts is valid JSON and satisfies the schema; of what satisfies the schema
/// it accepts what is written in one way: properties in the order of the schema, each once; up to
/// kMaxWhitespace characters of white space between tokens and none outside; numbers of bounded
/// length; nesting up to Automaton::kMaxDepth. An object with "properties" has no others unless
/// "additionalProperties" says so; likewise an array with "prefixItems".
/// Errors, each with the place in the schema: kUnsupported - a keyword, format, pattern or
///         combination that is not supported; kInvalidArgument - a malformed schema, a circle of
///         references, a schema that nothing satisfies; kNotFound - a reference to nothing;
///         kExhausted - the schema is too large, or needs more than `max_nodes` nodes.
Result<Automaton> compile_parsed_schema(const Json& schema,
                                        size_t max_nodes = AutomatonBuilder::kMaxNodes);

/// The same of the text of a schema of at most 1 MiB. Errors: kCorruptData - no JSON; as above.
Result<Automaton> compile_json_schema(std::string_view text,
                                      size_t max_nodes = AutomatonBuilder::kMaxNodes);

/// The automaton of the texts that a pattern describes as a whole. Errors: those of parse_regex;
/// kInvalidArgument - no text matches; kExhausted.
Result<Automaton> compile_regex(std::string_view pattern,
                                size_t max_nodes = AutomatonBuilder::kMaxNodes);

}  // namespace cupel::decode::constraint
