#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/template/runtime.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// One call of a builtin, with its arguments bound to the names of its signature.
struct Call {
  Runtime& runtime;
  std::string_view name;
  std::vector<Value> values;  ///< by position in the signature; missing where nothing was passed
  Arguments rest;             ///< what `*` of the signature catches

  [[nodiscard]] const Value& operator[](size_t index) const { return values[index]; }
  /// True when that optional argument was passed and is not None.
  [[nodiscard]] bool has(size_t index) const {
    return !values[index].is_missing() && !values[index].is_none();
  }
  /// The argument as an int, or the fallback when it was not passed.
  [[nodiscard]] Result<int64_t> integer(size_t index, int64_t fallback = 0) const;
  [[nodiscard]] Result<bool> flag(size_t index, bool fallback) const;
  /// The argument, which must be a string. Errors: kInvalidArgument that names the function.
  [[nodiscard]] Result<std::string_view> text(size_t index) const;
};

/// A filter, test, method or global function written in C++.
///
/// Signature: parameter names in order, separated by spaces; `name?` may be left out; `*` at the
/// end catches all other arguments. A method's first parameter is its receiver.
struct Builtin {
  std::string_view name;
  std::string_view signature;
  Result<Value> (*function)(Call& call);
};

/// Looks a builtin up in a table (any order).
const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name);
/// Binds the arguments as Python would and calls. Errors: kInvalidArgument for arguments that do
/// not fit.
Result<Value> call_builtin(Runtime& runtime, const Builtin& builtin, Arguments arguments);

/// A builtin as a value, with the receiver when it is a method.
class Function : public Object {
 public:
  explicit Function(const Builtin& builtin, Value receiver = {})
      : builtin_(&builtin), receiver_(std::move(receiver)) {}
  [[nodiscard]] std::string_view type_name() const override { return "builtin_function_or_method"; }
  Result<Ok> append_repr(Runtime& runtime, std::string& out) override;
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, Arguments arguments) override;

 private:
  const Builtin* builtin_;
  Value receiver_;
};

/// Calls any value. Errors: "'str' object is not callable", or what the function reports.
Result<Value> call_value(Runtime& runtime, const Value& callee, Arguments arguments);

// Filters and tests by name, as tags and the filters `map`, `select` … call them.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
Result<Value> call_filter(Runtime& runtime, std::string_view name, Arguments arguments);
Result<bool> call_test(Runtime& runtime, std::string_view name, Arguments arguments);
/// Global functions and values: range, dict, namespace, cycler, joiner, raise_exception,
/// strftime_now.
Value find_global(std::string_view name);

}  // namespace cupel::engine::jinja
