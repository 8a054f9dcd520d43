// The tests of `x is …`.

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/arithmetic.h"
#include "engine/template/call.h"
#include "engine/template/compare.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

template <bool (*Predicate)(const Value&)>
Result<Value> kind_test(Call& call) {
  return Value::boolean(Predicate(call[0]));
}

bool is_defined(const Value& value) {
  return !value.is_undefined();
}
bool is_undefined(const Value& value) {
  return value.is_undefined();
}
bool is_none(const Value& value) {
  return value.is_none();
}
bool is_boolean(const Value& value) {
  return value.is(Kind::kBool);
}
bool is_true(const Value& value) {
  return value.is(Kind::kBool) && value.as_bool();
}
bool is_false(const Value& value) {
  return value.is(Kind::kBool) && !value.as_bool();
}
bool is_integer(const Value& value) {
  return value.is(Kind::kInt);
}
bool is_float(const Value& value) {
  return value.is(Kind::kFloat);
}
bool is_number(const Value& value) {
  return value.is_number();
}
bool is_string(const Value& value) {
  return value.is_text();
}
bool is_mapping(const Value& value) {
  return value.is_dict();
}
bool is_escaped(const Value& value) {
  return value.is_markup();
}
bool is_callable(const Value& value) {
  return value.is_undefined() || (value.is(Kind::kObject) && value.object()->callable());
}
bool is_sequence(const Value& value) {
  return value.is_text() || value.is(Kind::kSequence) || value.is_dict() || value.is_undefined() ||
         value.object_as<Range>() != nullptr;
}

Result<Value> iterable(Call& call) {
  return Value::boolean(is_iterable(call.runtime, call[0]));
}

Result<Value> same_as(Call& call) {
  return Value::boolean(call[0].same_as(call[1]));
}

Result<Value> remainder_is(Call& call, const Value& divisor, int64_t wanted) {
  CUPEL_TRY(const auto rest, apply(call.runtime, Operation::kModulo, call[0], divisor));
  CUPEL_TRY(const bool same, equals(call.runtime, rest, Value::integer(wanted)));
  return Value::boolean(same);
}

Result<Value> odd(Call& call) {
  return remainder_is(call, Value::integer(2), 1);
}
Result<Value> even(Call& call) {
  return remainder_is(call, Value::integer(2), 0);
}
Result<Value> divisible_by(Call& call) {
  return remainder_is(call, call[1], 0);
}

template <Comparison comparison>
Result<Value> comparison_test(Call& call) {
  CUPEL_TRY(const bool holds, compare(call.runtime, comparison, call[0], call[1]));
  return Value::boolean(holds);
}

Result<Value> cased(Call& call, std::string_view method) {
  CUPEL_TRY(auto text, str(call.runtime, call[0]));
  CUPEL_TRY(auto value, call.runtime.text(std::move(text)));
  Arguments arguments;
  arguments.positional.push_back(std::move(value));
  return call_builtin(call.runtime, *find_builtin(text_predicates(), method), std::move(arguments));
}

Result<Value> lower(Call& call) {
  return cased(call, "islower");
}
Result<Value> upper(Call& call) {
  return cased(call, "isupper");
}

Result<Value> names_filter(Call& call) {
  return Value::boolean(call[0].is_text() && find_filter(call[0].bytes()) != nullptr);
}

Result<Value> names_test(Call& call) {
  return Value::boolean(call[0].is_text() && find_test(call[0].bytes()) != nullptr);
}

constexpr Builtin kTests[] = {
    {"!=", "value other", comparison_test<Comparison::kNotEqual>},
    {"<", "value other", comparison_test<Comparison::kLess>},
    {"<=", "value other", comparison_test<Comparison::kLessEqual>},
    {"==", "value other", comparison_test<Comparison::kEqual>},
    {">", "value other", comparison_test<Comparison::kGreater>},
    {">=", "value other", comparison_test<Comparison::kGreaterEqual>},
    {"boolean", "value", kind_test<is_boolean>},
    {"callable", "value", kind_test<is_callable>},
    {"defined", "value", kind_test<is_defined>},
    {"divisibleby", "value num", divisible_by},
    {"eq", "value other", comparison_test<Comparison::kEqual>},
    {"equalto", "value other", comparison_test<Comparison::kEqual>},
    {"escaped", "value", kind_test<is_escaped>},
    {"even", "value", even},
    {"false", "value", kind_test<is_false>},
    {"filter", "value", names_filter},
    {"float", "value", kind_test<is_float>},
    {"ge", "value other", comparison_test<Comparison::kGreaterEqual>},
    {"greaterthan", "value other", comparison_test<Comparison::kGreater>},
    {"gt", "value other", comparison_test<Comparison::kGreater>},
    {"in", "value seq", comparison_test<Comparison::kIn>},
    {"integer", "value", kind_test<is_integer>},
    {"iterable", "value", iterable},
    {"le", "value other", comparison_test<Comparison::kLessEqual>},
    {"lessthan", "value other", comparison_test<Comparison::kLess>},
    {"lower", "value", lower},
    {"lt", "value other", comparison_test<Comparison::kLess>},
    {"mapping", "value", kind_test<is_mapping>},
    {"ne", "value other", comparison_test<Comparison::kNotEqual>},
    {"none", "value", kind_test<is_none>},
    {"number", "value", kind_test<is_number>},
    {"odd", "value", odd},
    {"sameas", "value other", same_as},
    {"sequence", "value", kind_test<is_sequence>},
    {"string", "value", kind_test<is_string>},
    {"test", "value", names_test},
    {"true", "value", kind_test<is_true>},
    {"undefined", "value", kind_test<is_undefined>},
    {"upper", "value", upper},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  return find_builtin(kTests, name);
}

}  // namespace cupel::engine::jinja
