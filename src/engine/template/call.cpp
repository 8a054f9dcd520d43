#include "engine/template/call.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/compare.h"

namespace cupel::engine::jinja {
namespace {

Error unexpected_keyword(std::string_view function, std::string_view keyword) {
  return invalid_argument("{}() got an unexpected keyword argument '{}'", function, keyword);
}

}  // namespace

Result<int64_t> Call::integer(size_t index, int64_t fallback) const {
  const Value& value = values[index];
  if (value.is_missing()) {
    return fallback;
  }
  if (!value.is_integral()) {
    if (value.is_undefined()) {
      return undefined_error(value);
    }
    return invalid_argument("{}(): '{}' object cannot be interpreted as an integer", name,
                            type_name(value));
  }
  return value.as_int();
}

Result<bool> Call::flag(size_t index, bool fallback) const {
  if (values[index].is_missing()) {
    return fallback;
  }
  return truthy(runtime, values[index]);
}

Result<std::string_view> Call::text(size_t index) const {
  const Value& value = values[index];
  if (!value.is_text()) {
    return invalid_argument("{}() needs a string here, not {}", name, type_name(value));
  }
  return std::string_view(value.bytes());
}

const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name) {
  const auto it = std::find_if(table.begin(), table.end(),
                               [&](const Builtin& entry) { return entry.name == name; });
  return it != table.end() ? &*it : nullptr;
}

Result<Value> call_builtin(Runtime& runtime, const Builtin& builtin, Arguments arguments) {
  CUPEL_TRY_VOID(runtime.step());
  Call call{.runtime = runtime, .name = builtin.name, .values = {}, .rest = {}};
  bool catches_rest = false;
  size_t position = 0;
  for (auto parameter : split(builtin.signature, ' ')) {
    if (parameter == "*") {
      catches_rest = true;
      break;
    }
    const bool optional = parameter.ends_with('?');
    if (optional) {
      parameter.remove_suffix(1);
    }
    Value value = arguments.take(parameter);
    if (position < arguments.positional.size()) {
      if (!value.is_missing()) {
        return invalid_argument("{}() got multiple values for argument '{}'", builtin.name,
                                parameter);
      }
      value = std::move(arguments.positional[position]);
    }
    if (value.is_missing() && !optional) {
      return invalid_argument("{}() missing 1 required positional argument: '{}'", builtin.name,
                              parameter);
    }
    ++position;
    call.values.push_back(std::move(value));
  }
  if (!catches_rest) {
    if (!arguments.named.empty()) {
      return unexpected_keyword(builtin.name, arguments.named.front().first);
    }
    if (arguments.positional.size() > position) {
      return invalid_argument("{}() takes at most {} arguments but {} were given", builtin.name,
                              position, arguments.positional.size());
    }
  }
  const size_t bound = std::min(position, arguments.positional.size());
  call.rest.positional.assign(
      std::make_move_iterator(arguments.positional.begin() + static_cast<std::ptrdiff_t>(bound)),
      std::make_move_iterator(arguments.positional.end()));
  call.rest.named = std::move(arguments.named);
  return builtin.function(call);
}

Result<Ok> Function::append_repr(Runtime& /*runtime*/, std::string& out) {
  out += format("<built-in function {}>", builtin_->name);
  return Ok{};
}

Result<Value> Function::call(Runtime& runtime, Arguments arguments) {
  if (!receiver_.is_missing()) {
    arguments.positional.insert(arguments.positional.begin(), receiver_);
  }
  return call_builtin(runtime, *builtin_, std::move(arguments));
}

Result<Value> call_value(Runtime& runtime, const Value& callee, Arguments arguments) {
  CUPEL_TRY_VOID(runtime.step());
  if (callee.is_undefined()) {
    return undefined_error(callee);
  }
  if (callee.is(Kind::kObject) && callee.object()->callable()) {
    return callee.object()->call(runtime, std::move(arguments));
  }
  return invalid_argument("'{}' object is not callable", type_name(callee));
}

Result<Value> call_filter(Runtime& runtime, std::string_view name, Arguments arguments) {
  const auto* filter = find_filter(name);
  if (filter == nullptr) {
    return invalid_argument("no filter named '{}'", name);
  }
  return call_builtin(runtime, *filter, std::move(arguments));
}

Result<bool> call_test(Runtime& runtime, std::string_view name, Arguments arguments) {
  const auto* test = find_test(name);
  if (test == nullptr) {
    return invalid_argument("no test named '{}'", name);
  }
  CUPEL_TRY(const auto verdict, call_builtin(runtime, *test, std::move(arguments)));
  return truthy(runtime, verdict);
}

}  // namespace cupel::engine::jinja
