// map, select, reject, selectattr, rejectattr: generators that work as their items are asked for.

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/compare.h"
#include "engine/template/filters.h"
#include "engine/template/iterate.h"

namespace cupel::engine::jinja {
namespace {

/// One running selection. Nothing happens, and nothing fails, before the first item is asked for.
struct Selection {
  Value source;
  Arguments arguments;
  std::shared_ptr<Iterator> iterator;
  bool by_attribute = false;
  bool wanted = true;
  AttributePath path;
  std::string name;  ///< of the filter or test; empty: none
  Value fallback;

  // False when the source is empty or undefined: then the arguments are never looked at.
  Result<bool> start(Runtime& runtime) {
    CUPEL_TRY(const bool any, truthy(runtime, source));
    if (any) {
      CUPEL_TRY(iterator, iterate(runtime, source));
    }
    return any;
  }

  Result<Ok> take_name(std::string_view what) {
    if (arguments.positional.empty()) {
      return Ok{};
    }
    const Value first = arguments.positional.front();
    if (!first.is_text()) {
      return first.is_undefined() ? undefined_error(first)
                                  : invalid_argument("the name of a {} must be a string, not {}",
                                                     what, type_name(first));
    }
    name = first.bytes();
    arguments.positional.erase(arguments.positional.begin());
    return Ok{};
  }

  [[nodiscard]] Arguments with_input(const Value& item) const {
    Arguments call = arguments;
    call.positional.insert(call.positional.begin(), item);
    return call;
  }
};

Result<bool> start_map(Runtime& runtime, Selection& map) {
  CUPEL_TRY(const bool any, map.start(runtime));
  if (!any) {
    return false;
  }
  Value attribute = map.arguments.positional.empty() ? map.arguments.take("attribute") : Value();
  if (attribute.is_missing()) {
    CUPEL_TRY_VOID(map.take_name("filter"));
    if (map.name.empty()) {
      return invalid_argument("map requires a filter argument");
    }
    return true;
  }
  map.by_attribute = true;
  map.fallback = map.arguments.take("default");
  if (!map.arguments.named.empty()) {
    return invalid_argument("unexpected keyword argument '{}'", map.arguments.named.front().first);
  }
  CUPEL_TRY(map.path, AttributePath::parse(runtime, attribute));
  return true;
}

Result<Value> map(Call& call) {
  auto state = std::make_shared<Selection>();
  state->source = call[0];
  state->arguments = std::move(call.rest);
  const auto next = [state,
                     started = false](Runtime& runtime) mutable -> Result<std::optional<Value>> {
    if (!started) {
      started = true;
      CUPEL_TRY_VOID(start_map(runtime, *state));
    }
    if (state->iterator == nullptr) {
      return std::optional<Value>();
    }
    CUPEL_TRY_VOID(runtime.step());
    CUPEL_TRY(auto item, state->iterator->next(runtime));
    if (!item) {
      return item;
    }
    CUPEL_TRY(auto mapped, state->by_attribute
                               ? state->path.get(runtime, std::move(*item), state->fallback)
                               : call_filter(runtime, state->name, state->with_input(*item)));
    return std::optional<Value>(std::move(mapped));
  };
  // A filter may wrap each item once more (list, batch), hence the extra level.
  return make_generator(call.runtime, call[0].depth() + 1, next);
}

Result<Ok> start_selection(Runtime& runtime, Selection& selection) {
  CUPEL_TRY(const bool any, selection.start(runtime));
  if (!any) {
    return Ok{};
  }
  if (selection.by_attribute) {
    auto& positional = selection.arguments.positional;
    if (positional.empty()) {
      return invalid_argument("missing parameter for attribute name");
    }
    CUPEL_TRY(selection.path, AttributePath::parse(runtime, positional.front()));
    positional.erase(positional.begin());
  }
  return selection.take_name("test");
}

Result<bool> is_selected(Runtime& runtime, const Selection& selection, const Value& item) {
  CUPEL_TRY(const auto value,
            selection.by_attribute ? selection.path.get(runtime, item) : Result<Value>(item));
  CUPEL_TRY(const bool holds, selection.name.empty() ? truthy(runtime, value)
                                                     : call_test(runtime, selection.name,
                                                                 selection.with_input(value)));
  return holds == selection.wanted;
}

template <bool wanted, bool by_attribute>
Result<Value> select(Call& call) {
  auto state = std::make_shared<Selection>();
  state->source = call[0];
  state->arguments = std::move(call.rest);
  state->wanted = wanted;
  state->by_attribute = by_attribute;
  const auto next = [state,
                     started = false](Runtime& runtime) mutable -> Result<std::optional<Value>> {
    if (!started) {
      started = true;
      CUPEL_TRY_VOID(start_selection(runtime, *state));
    }
    while (state->iterator != nullptr) {
      CUPEL_TRY_VOID(runtime.step());
      CUPEL_TRY(auto item, state->iterator->next(runtime));
      if (!item) {
        return item;
      }
      CUPEL_TRY(const bool selected, is_selected(runtime, *state, *item));
      if (selected) {
        return item;
      }
    }
    return std::optional<Value>();
  };
  return make_generator(call.runtime, call[0].depth(), next);
}

constexpr Builtin kFilters[] = {
    {"map", "value *", map},
    {"reject", "value *", select<false, false>},
    {"rejectattr", "value *", select<false, true>},
    {"select", "value *", select<true, false>},
    {"selectattr", "value *", select<true, true>},
};

}  // namespace

std::span<const Builtin> selection_filters() {
  return kFilters;
}

}  // namespace cupel::engine::jinja
