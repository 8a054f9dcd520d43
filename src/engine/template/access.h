#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/template/call.h"
#include "engine/template/runtime.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// `value.name`: methods first, then the item of that name, else undefined. What would change a
/// value is forbidden: it gives an undefined that fails when used. Errors: only for an undefined
/// `value`.
Result<Value> get_attribute(Runtime& runtime, const Value& value, std::string_view name);
/// `value[key]`: the item first, then (for a string key) the attribute, else undefined.
Result<Value> get_item(Runtime& runtime, const Value& value, const Value& key);
/// The attribute alone, without falling back to items: the filter `attr`.
Result<std::optional<Value>> find_attribute(Runtime& runtime,
                                            const Value& value,
                                            std::string_view name);
/// Parts of a slice as written; missing where left out.
struct SliceBounds {
  Value start;
  Value stop;
  Value step;
};
/// `value[start:stop:step]` of strings, lists, tuples and ranges.
Result<Value> get_slice(Runtime& runtime, const Value& value, const SliceBounds& bounds);
/// Code points [start, stop) of a string, as text of the same kind (plain or markup).
Result<Value> text_slice(Runtime& runtime, const Value& text, int64_t start, int64_t stop);

/// A path like "user.tags.0" of the filters that take `attribute=`: parts are names or numbers.
class AttributePath {
 public:
  /// None gives the empty path. Errors: a path of no string or int.
  static Result<AttributePath> parse(Runtime& runtime, const Value& path);
  /// Follows the path; a part that is undefined becomes `fallback` unless that is missing or None.
  Result<Value> get(Runtime& runtime, Value item, const Value& fallback = {}) const;

 private:
  std::vector<Value> parts_;
};

// Methods of the builtin types (receiver is the first parameter).
std::span<const Builtin> text_methods();
std::span<const Builtin> text_split_methods();
std::span<const Builtin> text_predicates();
std::span<const Builtin> container_methods();

/// Fresh undefined for an attribute or item that does not exist, with jinja2's message.
Value undefined_member(const Value& owner, const Value& key);

}  // namespace cupel::engine::jinja
