// Methods of list, tuple, dict, int and float. What would change its receiver is not among them.

#include <bit>
#include <cmath>

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/compare.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

Result<Value> index(Call& call) {
  const auto& items = call[0].items();
  const auto size = static_cast<int64_t>(items.size());
  CUPEL_TRY(int64_t start, call.integer(2, 0));
  CUPEL_TRY(int64_t stop, call.integer(3, size));
  start = start < 0 ? std::max<int64_t>(start + size, 0) : start;
  stop = stop < 0 ? stop + size : std::min(stop, size);
  for (int64_t i = start; i < stop; ++i) {
    CUPEL_TRY_VOID(call.runtime.step());
    CUPEL_TRY(const bool same, equals(call.runtime, items[static_cast<size_t>(i)], call[1]));
    if (same) {
      return Value::integer(i);
    }
  }
  CUPEL_TRY(const auto shown, repr(call.runtime, call[1]));
  return invalid_argument("{} is not in {}", shown, type_name(call[0]));
}

Result<Value> count(Call& call) {
  int64_t times = 0;
  for (const auto& item : call[0].items()) {
    CUPEL_TRY_VOID(call.runtime.step());
    CUPEL_TRY(const bool same, equals(call.runtime, item, call[1]));
    times += same ? 1 : 0;
  }
  return Value::integer(times);
}

Result<Value> copy(Call& call) {
  if (call[0].is_dict()) {
    return call.runtime.dict(call[0].dict().entries, call[0].dict().index);
  }
  return call.runtime.list(call[0].items());
}

Result<Value> get(Call& call) {
  CUPEL_TRY(const auto* value, find_key(call.runtime, call[0].dict(), call[1]));
  if (value != nullptr) {
    return *value;
  }
  return call[2].is_missing() ? Value::none() : call[2];
}

template <DictView::Part part>
Result<Value> view(Call& call) {
  return call.runtime.object(std::make_shared<DictView>(call[0], part), call[0].depth());
}

Result<Value> is_integer(Call& call) {
  const double value = call[0].as_double();
  return Value::boolean(std::isfinite(value) && value == std::floor(value));
}

Result<Value> bit_length(Call& call) {
  const int64_t value = call[0].as_int();
  const uint64_t magnitude =
      value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  return Value::integer(static_cast<int64_t>(std::bit_width(magnitude)));
}

Result<Value> conjugate(Call& call) {
  return call[0];
}

Result<Value> unsupported_method(Call& call) {
  return unsupported("the method float.{} is not available in templates", call.name);
}

constexpr Builtin kMethods[] = {
    {"as_integer_ratio", "self", unsupported_method},
    {"bit_length", "self", bit_length},
    {"conjugate", "self", conjugate},
    {"copy", "self", copy},
    {"count", "self value", count},
    {"get", "self key default?", get},
    {"index", "self value start? stop?", index},
    {"is_integer", "self", is_integer},
    {"items", "self", view<DictView::Part::kItems>},
    {"keys", "self", view<DictView::Part::kKeys>},
    {"values", "self", view<DictView::Part::kValues>},
};

}  // namespace

std::span<const Builtin> container_methods() {
  return kMethods;
}

}  // namespace cupel::engine::jinja
