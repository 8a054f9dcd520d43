// Filters on sequences: order, grouping, parts, sums.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/access.h"
#include "engine/template/arithmetic.h"
#include "engine/template/compare.h"
#include "engine/template/filters.h"
#include "engine/template/iterate.h"

namespace cupel::engine::jinja {
namespace {

/// What `attribute=` and `case_sensitive=` make of an item to compare it by.
struct KeyFunction {
  AttributePath path;
  bool case_sensitive = false;
  Value fallback;

  Result<Value> operator()(Runtime& runtime, const Value& item) const {
    CUPEL_TRY(auto key, path.get(runtime, item, fallback));
    return case_sensitive ? Result<Value>(std::move(key)) : ignore_case(runtime, key);
  }
};

/// What a generator reads from. Iterated from the first item on: only then may it fail.
struct LazySource {
  Value value;
  std::shared_ptr<Iterator> iterator;

  Result<std::optional<Value>> next(Runtime& runtime) {
    if (iterator == nullptr) {
      CUPEL_TRY(iterator, iterate(runtime, value));
    }
    return iterator->next(runtime);
  }
};

Result<KeyFunction> key_function(Call& call, size_t case_at, size_t attribute_at) {
  KeyFunction key;
  CUPEL_TRY(key.case_sensitive, call.flag(case_at, false));
  CUPEL_TRY(key.path, AttributePath::parse(call.runtime, call[attribute_at]));
  return key;
}

Result<Value> first(Call& call) {
  CUPEL_TRY(const auto iterator, iterate(call.runtime, call[0]));
  CUPEL_TRY(auto item, iterator->next(call.runtime));
  return item ? std::move(*item) : make_undefined("no first item, the sequence was empty");
}

Result<Value> last(Call& call) {
  if (call[0].is(Kind::kSequence) && !call[0].items().empty()) {
    return call[0].items().back();
  }
  CUPEL_TRY(const auto items, reversed(call.runtime, call[0]));
  if (!items) {
    return invalid_argument("'{}' object is not reversible", type_name(call[0]));
  }
  return items->empty() ? make_undefined("no last item, the sequence was empty") : items->front();
}

Result<Value> list(Call& call) {
  CUPEL_TRY(auto items, collect(call.runtime, call[0]));
  return call.runtime.list(std::move(items));
}

Result<Value> iterator_over(Runtime& runtime, std::vector<Value> items) {
  CUPEL_TRY(const auto list, runtime.list(std::move(items)));
  CUPEL_TRY(auto iterator, iterate(runtime, list));
  return Value(std::static_pointer_cast<Object>(std::move(iterator)));
}

Result<Value> reverse(Call& call) {
  CUPEL_TRY(auto backwards, reversed(call.runtime, call[0]));
  if (backwards && call[0].is_text()) {
    std::string text;
    for (const auto& character : *backwards) {
      text += character.bytes();
    }
    return call.runtime.text(std::move(text), call[0].is_markup());
  }
  if (backwards) {
    return iterator_over(call.runtime, std::move(*backwards));  // reversed() gives its items once
  }
  CUPEL_TRY(auto all, collect(call.runtime, call[0]));
  std::reverse(all.begin(), all.end());
  return call.runtime.list(std::move(all));
}

Result<Value> items(Call& call) {
  const Value source = call[0];
  if (source.is_undefined()) {
    return iterator_over(call.runtime, {});
  }
  if (!source.is_dict()) {
    // As in jinja2 the error comes when somebody asks for an item.
    return make_generator(call.runtime, 0, [](Runtime&) -> Result<std::optional<Value>> {
      return invalid_argument("can only get item pairs from a mapping");
    });
  }
  DictView view(source, DictView::Part::kItems);
  CUPEL_TRY(auto iterator, view.iterate(call.runtime));
  return make_generator(call.runtime, source.depth(),
                        [iterator](Runtime& runtime) { return iterator->next(runtime); });
}

Result<std::vector<Value>> keys_of(Runtime& runtime,
                                   const std::vector<Value>& values,
                                   const KeyFunction& function) {
  std::vector<Value> keys;
  keys.reserve(values.size());
  for (const auto& value : values) {
    CUPEL_TRY(auto key, function(runtime, value));
    keys.push_back(std::move(key));
  }
  return keys;
}

// sort's attribute may name several, separated by commas.
Result<std::vector<Value>> sort_keys(Call& call, const std::vector<Value>& values) {
  CUPEL_TRY(const bool case_sensitive, call.flag(2, false));
  std::vector<KeyFunction> functions;
  std::vector<Value> paths;
  if (call[3].is_text()) {
    for (const auto part : split(call[3].bytes(), ',')) {
      paths.push_back(constant_text(std::string(part)));
    }
  } else {
    paths.push_back(call[3]);
  }
  for (const auto& path : paths) {
    auto& function = functions.emplace_back();
    function.case_sensitive = case_sensitive;
    CUPEL_TRY(function.path, AttributePath::parse(call.runtime, path));
  }
  std::vector<Value> keys;
  for (const auto& value : values) {
    std::vector<Value> parts;
    for (const auto& function : functions) {
      CUPEL_TRY(auto part, function(call.runtime, value));
      parts.push_back(std::move(part));
    }
    CUPEL_TRY(auto key, call.runtime.list(std::move(parts)));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<Value> sort(Call& call) {
  CUPEL_TRY(const bool reverse_order, call.flag(1, false));
  CUPEL_TRY(auto values, collect(call.runtime, call[0]));
  CUPEL_TRY(const auto keys, sort_keys(call, values));
  CUPEL_TRY(auto sorted, sort_by_key(call.runtime, std::move(values), keys, reverse_order));
  return call.runtime.list(std::move(sorted));
}

Result<Value> dict_sort(Call& call) {
  if (!call[0].is_dict()) {
    return call[0].is_undefined()
               ? undefined_error(call[0])
               : invalid_argument("dictsort needs a dict, not {}", type_name(call[0]));
  }
  CUPEL_TRY(const bool case_sensitive, call.flag(1, false));
  CUPEL_TRY(const auto by, call[2].is_missing() ? Result<std::string_view>("key") : call.text(2));
  CUPEL_TRY(const bool reverse_order, call.flag(3, false));
  if (by != "key" && by != "value") {
    return invalid_argument("you can only sort by either \"key\" or \"value\"");
  }
  std::vector<Value> pairs;
  std::vector<Value> keys;
  for (const auto& [key, value] : call[0].dict().entries) {
    CUPEL_TRY(auto pair, call.runtime.pair(key, value));
    pairs.push_back(std::move(pair));
    const Value& wanted = by == "key" ? key : value;
    CUPEL_TRY(auto sort_key,
              case_sensitive ? Result<Value>(wanted) : ignore_case(call.runtime, wanted));
    keys.push_back(std::move(sort_key));
  }
  CUPEL_TRY(auto sorted, sort_by_key(call.runtime, std::move(pairs), keys, reverse_order));
  return call.runtime.list(std::move(sorted));
}

template <Comparison better>
Result<Value> extreme(Call& call) {
  CUPEL_TRY(const auto function, key_function(call, 1, 2));
  CUPEL_TRY(const auto values, collect(call.runtime, call[0]));
  if (values.empty()) {
    return make_undefined("no aggregated item, the sequence was empty");
  }
  CUPEL_TRY(const auto keys, keys_of(call.runtime, values, function));
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    CUPEL_TRY(const bool wins, compare(call.runtime, better, keys[i], keys[best]));
    best = wins ? i : best;
  }
  return values[best];
}

Result<Value> sum(Call& call) {
  CUPEL_TRY(const auto path, AttributePath::parse(call.runtime, call[1]));
  Value total = call[2].is_missing() ? Value::integer(0) : call[2];
  if (total.is_text()) {
    return invalid_argument("sum() can't sum strings [use ''.join(seq) instead]");
  }
  CUPEL_TRY(const auto values, collect(call.runtime, call[0]));
  for (const auto& value : values) {
    CUPEL_TRY(const auto part, path.get(call.runtime, value));
    CUPEL_TRY(total, apply(call.runtime, Operation::kAdd, total, part));
  }
  return total;
}

Result<Value> unique(Call& call) {
  struct State {
    KeyFunction function;
    LazySource source;
    std::unordered_multimap<size_t, Value> seen;
  };
  auto state = std::make_shared<State>();
  CUPEL_TRY(state->function, key_function(call, 1, 2));
  state->source.value = call[0];
  const auto next = [state](Runtime& runtime) -> Result<std::optional<Value>> {
    while (true) {
      CUPEL_TRY_VOID(runtime.step());
      CUPEL_TRY(auto item, state->source.next(runtime));
      if (!item) {
        return item;
      }
      CUPEL_TRY(const auto key, state->function(runtime, *item));
      CUPEL_TRY(const size_t key_hash, hash(runtime, key));
      bool known = false;
      const auto [begin, end] = state->seen.equal_range(key_hash);
      for (auto it = begin; it != end && !known; ++it) {
        CUPEL_TRY(known, equals(runtime, it->second, key));
      }
      if (!known) {
        state->seen.emplace(key_hash, key);
        return item;
      }
    }
  };
  return make_generator(call.runtime, call[0].depth(), next);
}

Result<Value> group_by(Call& call) {
  CUPEL_TRY(auto function, key_function(call, 3, 1));
  function.fallback = call[2];
  CUPEL_TRY(auto values, collect(call.runtime, call[0]));
  CUPEL_TRY(const auto keys, keys_of(call.runtime, values, function));
  CUPEL_TRY(const auto sorted, sort_by_key(call.runtime, std::move(values), keys, false));
  std::vector<Value> groups;
  for (size_t begin = 0; begin < sorted.size();) {
    CUPEL_TRY(const auto key, function(call.runtime, sorted[begin]));
    size_t end = begin + 1;
    for (; end < sorted.size(); ++end) {
      CUPEL_TRY(const auto other, function(call.runtime, sorted[end]));
      CUPEL_TRY(const bool same, equals(call.runtime, key, other));
      if (!same) {
        break;
      }
    }
    // The group is named by its first item's own key, whatever its case.
    CUPEL_TRY(auto name, function.path.get(call.runtime, sorted[begin], function.fallback));
    CUPEL_TRY(auto members, call.runtime.list({sorted.begin() + static_cast<std::ptrdiff_t>(begin),
                                               sorted.begin() + static_cast<std::ptrdiff_t>(end)}));
    auto group = std::make_shared<Sequence>();
    group->tuple = true;
    group->group = true;
    group->items = {std::move(name), std::move(members)};
    CUPEL_TRY(auto value, call.runtime.sequence(std::move(group)));
    groups.push_back(std::move(value));
    begin = end;
  }
  return call.runtime.list(std::move(groups));
}

/// The rows of `batch`, made as they are asked for.
struct Batches {
  LazySource source;
  int64_t count = 0;
  Value filler;
  std::optional<Value> held;  ///< the item that begins the next row

  Result<std::optional<Value>> next(Runtime& runtime) {
    std::vector<Value> row;
    if (held) {
      row.push_back(std::move(*held));
      held.reset();
    }
    while (true) {
      CUPEL_TRY_VOID(runtime.step());
      CUPEL_TRY(held, source.next(runtime));
      if (!held || static_cast<int64_t>(row.size()) == count) {
        break;
      }
      row.push_back(std::move(*held));
    }
    if (!held && row.empty()) {
      return std::optional<Value>();
    }
    if (!held) {
      CUPEL_TRY_VOID(fill(runtime, row));
    }
    CUPEL_TRY(auto list, runtime.list(std::move(row)));
    return std::optional<Value>(std::move(list));
  }

  Result<Ok> fill(Runtime& runtime, std::vector<Value>& row) const {
    if (filler.is_none() || count <= static_cast<int64_t>(row.size())) {
      return Ok{};
    }
    CUPEL_TRY_VOID(runtime.check_items(static_cast<size_t>(count), 1));
    CUPEL_TRY_VOID(runtime.step(static_cast<size_t>(count)));
    row.resize(static_cast<size_t>(count), filler);
    return Ok{};
  }
};

Result<Value> batch(Call& call) {
  auto batches = std::make_shared<Batches>();
  batches->source.value = call[0];
  CUPEL_TRY(batches->count, call.integer(1));
  batches->filler = call[2].is_missing() ? Value::none() : call[2];
  const int inner_depth = std::max(call[0].depth(), batches->filler.depth()) + 1;
  return make_generator(call.runtime, inner_depth,
                        [batches](Runtime& runtime) { return batches->next(runtime); });
}

Result<std::vector<Value>> slice_rows(Runtime& runtime,
                                      const Value& source,
                                      int64_t slices,
                                      const Value& filler) {
  CUPEL_TRY(const auto values, collect(runtime, source));
  if (slices == 0) {
    return invalid_argument("integer division or modulo by zero");
  }
  const auto size = static_cast<int64_t>(values.size());
  std::vector<Value> rows;
  int64_t at = 0;
  for (int64_t i = 0; i < slices; ++i) {
    const bool longer = i < size % slices;
    const int64_t end = at + size / slices + (longer ? 1 : 0);
    std::vector<Value> row(values.begin() + at, values.begin() + end);
    if (!filler.is_none() && !longer) {
      row.push_back(filler);
    }
    CUPEL_TRY(auto value, runtime.list(std::move(row)));
    rows.push_back(std::move(value));
    at = end;
  }
  return rows;
}

Result<Value> slice(Call& call) {
  CUPEL_TRY(const int64_t slices, call.integer(1));
  const Value filler = call[2].is_missing() ? Value::none() : call[2];
  const auto next = [source = call[0], slices, filler, rows = std::shared_ptr<Iterator>()](
                        Runtime& runtime) mutable -> Result<std::optional<Value>> {
    if (rows == nullptr) {
      CUPEL_TRY(auto all, slice_rows(runtime, source, slices, filler));
      CUPEL_TRY(const auto list, runtime.list(std::move(all)));
      CUPEL_TRY(rows, iterate(runtime, list));
    }
    return rows->next(runtime);
  };
  return make_generator(call.runtime, std::max(call[0].depth(), filler.depth()) + 1, next);
}

constexpr Builtin kFilters[] = {
    {"batch", "value linecount fill_with?", batch},
    {"dictsort", "value case_sensitive? by? reverse?", dict_sort},
    {"first", "seq", first},
    {"groupby", "value attribute default? case_sensitive?", group_by},
    {"items", "value", items},
    {"last", "seq", last},
    {"list", "value", list},
    {"max", "value case_sensitive? attribute?", extreme<Comparison::kGreater>},
    {"min", "value case_sensitive? attribute?", extreme<Comparison::kLess>},
    {"reverse", "value", reverse},
    {"slice", "value slices fill_with?", slice},
    {"sort", "value reverse? case_sensitive? attribute?", sort},
    {"sum", "iterable attribute? start?", sum},
    {"unique", "value case_sensitive? attribute?", unique},
};

}  // namespace

std::span<const Builtin> sequence_filters() {
  return kFilters;
}

}  // namespace cupel::engine::jinja
