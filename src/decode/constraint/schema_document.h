#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::decode::constraint {

// A JSON Schema as a document: which keywords it has, what its references mean, and what several
// schemas say together. Places in messages are JSON pointers (RFC 6901) as URI fragments: "#/a/0".

/// The place of a member or an element below a place.
std::string below(std::string_view place, std::string_view key);
std::string below(std::string_view place, size_t index);

/// Fails on the first keyword that is not supported (kUnsupported, with its place) or whose value
/// has another form than the specification asks for (kInvalidArgument). Annotations pass.
Result<Ok> check_keywords(const Json& schema, std::string_view place);

/// True for keywords that say nothing of values.
bool is_annotation(std::string_view keyword);
/// The names of a "type" that has passed check_keywords.
std::vector<std::string> type_list(const Json& type);

/// True when the schema says something beside `keyword` and annotations.
bool says_more_than(const Json& schema, std::string_view keyword);
/// The schema without a keyword.
Json without_keyword(const Json& schema, std::string_view keyword);

/// What a reference like "#/$defs/a" points at.
/// Errors: kUnsupported - a reference into another document or to an anchor; kNotFound - there is
///         nothing at that place.
Result<const Json*> resolve(const Json& root, std::string_view reference, std::string_view place);

/// One schema that accepts what both accept.
/// Errors: kUnsupported - the two say something about the same that has no common form here, such
///         as two patterns; names keyword and place.
Result<Json> merge(const Json& a, const Json& b, const std::string& place);

/// Types that a schema allows, in the order they are given; without "type" those that its other
/// keywords are about, and all seven for a schema without such keywords. "integer" is not listed
/// beside "number".
/// Errors: kInvalidArgument - a name that is no type; kUnsupported - no "type", but keywords about
///         several.
Result<std::vector<std::string>> types_of(const Json& schema, std::string_view place);

/// True when it is plain that no value satisfies both: other types, other constants, or objects
/// with a required property of which that is plain. Both schemas have passed check_keywords.
bool are_disjoint(const Json& root, const Json& a, const Json& b, int depth = 0);

/// Values in a document, for budgets.
int64_t count_values(const Json& json);

}  // namespace cupel::decode::constraint
