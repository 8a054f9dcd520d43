#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "engine/template/runtime.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

enum class Comparison {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn
};

/// Python's bool().
Result<bool> truthy(Runtime& runtime, const Value& value);
/// Python's ==: 1 == 1.0 == True, lists by item, dicts by key, undefined equals undefined.
Result<bool> equals(Runtime& runtime, const Value& left, const Value& right);
/// One of Python's comparisons. Errors: kInvalidArgument when the types have no order.
Result<bool> compare(Runtime& runtime,
                     Comparison comparison,
                     const Value& left,
                     const Value& right);
/// Python's `item in container`.
Result<bool> contains(Runtime& runtime, const Value& container, const Value& item);
/// Python's hash(); equal values have equal hashes. Errors: "unhashable type: 'list'".
Result<size_t> hash(Runtime& runtime, const Value& value);
/// The value of any hashable key, or nullptr.
Result<const Value*> find_key(Runtime& runtime, const Dict& dict, const Value& key);

/// The error of using an undefined value.
Error undefined_error(const Value& value);

/// Builds a dict: a key that comes again keeps its place and takes the new value.
class DictBuilder {
 public:
  explicit DictBuilder(Runtime& runtime) : runtime_(runtime) {}
  Result<Ok> set(Value key, Value value);
  Result<Value> finish() &&;

 private:
  Runtime& runtime_;
  std::vector<Dict::Entry> entries_;
  std::unordered_multimap<size_t, uint32_t> index_;
};

/// Sorts stably by Python's `<` on the keys (same length as items), which may fail.
Result<std::vector<Value>> sort_by_key(Runtime& runtime,
                                       std::vector<Value> items,
                                       const std::vector<Value>& keys,
                                       bool reverse);

}  // namespace cupel::engine::jinja
