#include "engine/template/filters.h"

#include "engine/template/repr.h"
#include "engine/template/unicode.h"

namespace cupel::engine::jinja {

const Builtin* find_filter(std::string_view name) {
  for (const auto table : {text_filters(), value_filters(), sequence_filters(), selection_filters(),
                           layout_filters(), markup_filters()}) {
    if (const auto* filter = find_builtin(table, name)) {
      return filter;
    }
  }
  return nullptr;
}

Result<Value> ignore_case(Runtime& runtime, const Value& value) {
  return value.is_text() ? runtime.text(to_lower(value.bytes())) : Result<Value>(value);
}

Result<Value> soft_text(Runtime& runtime, const Value& value) {
  if (value.is_text()) {
    return value;
  }
  CUPEL_TRY(auto text, str(runtime, value));
  return runtime.text(std::move(text));
}

}  // namespace cupel::engine::jinja
