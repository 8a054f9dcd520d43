#include "engine/template/compare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

constexpr size_t kLinearDict = 8;

std::string_view symbol(Comparison comparison) {
  switch (comparison) {
    case Comparison::kLess:
      return "<";
    case Comparison::kLessEqual:
      return "<=";
    case Comparison::kGreater:
      return ">";
    case Comparison::kGreaterEqual:
      return ">=";
    default:
      return "==";
  }
}

template <typename T>
bool ordered(Comparison comparison, const T& left, const T& right) {
  switch (comparison) {
    case Comparison::kLess:
      return left < right;
    case Comparison::kLessEqual:
      return left <= right;
    case Comparison::kGreater:
      return left > right;
    default:
      return left >= right;
  }
}

// long double holds every int64 and every double, so mixed comparisons are exact as in Python.
long double wide(const Value& number) {
  return number.is(Kind::kFloat) ? static_cast<long double>(number.as_double())
                                 : static_cast<long double>(number.as_int());
}

Result<bool> equal_items(Runtime& runtime, const Sequence& left, const Sequence& right) {
  if (left.tuple != right.tuple || left.items.size() != right.items.size()) {
    return false;
  }
  for (size_t i = 0; i < left.items.size(); ++i) {
    CUPEL_TRY_VOID(runtime.step());
    if (left.items[i].same_as(right.items[i])) {
      continue;
    }
    CUPEL_TRY(const bool same, equals(runtime, left.items[i], right.items[i]));
    if (!same) {
      return false;
    }
  }
  return true;
}

Result<bool> equal_dicts(Runtime& runtime, const Dict& left, const Dict& right) {
  if (left.entries.size() != right.entries.size()) {
    return false;
  }
  for (const auto& [key, value] : left.entries) {
    CUPEL_TRY_VOID(runtime.step());
    CUPEL_TRY(const auto* other, find_key(runtime, right, key));
    if (other == nullptr) {
      return false;
    }
    CUPEL_TRY(const bool same, equals(runtime, value, *other));
    if (!same) {
      return false;
    }
  }
  return true;
}

Result<bool> order(Runtime& runtime, Comparison comparison, const Value& left, const Value& right);

Result<bool> order_items(Runtime& runtime,
                         Comparison comparison,
                         const std::vector<Value>& left,
                         const std::vector<Value>& right) {
  const size_t common = std::min(left.size(), right.size());
  for (size_t i = 0; i < common; ++i) {
    CUPEL_TRY_VOID(runtime.step());
    CUPEL_TRY(const bool same, equals(runtime, left[i], right[i]));
    if (!same) {
      return order(runtime, comparison, left[i], right[i]);
    }
  }
  return ordered(comparison, left.size(), right.size());
}

Result<bool> order(Runtime& runtime, Comparison comparison, const Value& left, const Value& right) {
  if (left.is_undefined()) {
    return undefined_error(left);
  }
  if (right.is_undefined()) {
    return undefined_error(right);
  }
  if (left.is_number() && right.is_number()) {
    return ordered(comparison, wide(left), wide(right));
  }
  if (left.is_text() && right.is_text()) {
    CUPEL_TRY_VOID(runtime.step(1 + left.bytes().size() / 64));
    return ordered(comparison, left.bytes(), right.bytes());  // UTF-8 keeps code point order
  }
  if (left.is(Kind::kSequence) && right.is(Kind::kSequence) &&
      left.sequence().tuple == right.sequence().tuple) {
    return order_items(runtime, comparison, left.items(), right.items());
  }
  return invalid_argument("'{}' not supported between instances of '{}' and '{}'",
                          symbol(comparison), type_name(left), type_name(right));
}

Result<bool> contains_item(Runtime& runtime, const Value& container, const Value& item) {
  CUPEL_TRY(const auto iterator, iterate(runtime, container));
  while (true) {
    CUPEL_TRY_VOID(runtime.step());
    CUPEL_TRY(const auto candidate, iterator->next(runtime));
    if (!candidate) {
      return false;
    }
    CUPEL_TRY(const bool same, equals(runtime, *candidate, item));
    if (same) {
      return true;
    }
  }
}

size_t mix(size_t seed, size_t hash) {
  return (seed ^ hash) * 0x9E3779B97F4A7C15ULL + 0x7F4A7C15;
}

}  // namespace

Error undefined_error(const Value& value) {
  return invalid_argument("{}", value.undefined().message);
}

Result<bool> truthy(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.as_int() != 0;
    case Kind::kFloat:
      return value.as_double() != 0;
    case Kind::kText:
      return !value.bytes().empty();
    case Kind::kSequence:
      return !value.items().empty();
    case Kind::kDict:
      return !value.dict().entries.empty();
    case Kind::kObject: {
      CUPEL_TRY(const auto size, value.object()->length(runtime));
      return !size || *size != 0;
    }
  }
  return true;
}

Result<bool> equals(Runtime& runtime, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) {
    return wide(left) == wide(right);
  }
  if (left.kind() != right.kind()) {
    return false;
  }
  switch (left.kind()) {
    case Kind::kText:
      CUPEL_TRY_VOID(runtime.step(1 + left.bytes().size() / 256));
      return left.bytes() == right.bytes();
    case Kind::kSequence:
      return equal_items(runtime, left.sequence(), right.sequence());
    case Kind::kDict:
      return equal_dicts(runtime, left.dict(), right.dict());
    case Kind::kObject: {
      const auto* first = left.object_as<Range>();
      const auto* second = right.object_as<Range>();
      if (first != nullptr && second != nullptr) {
        const int64_t size = first->size();
        return size == second->size() && (size == 0 || first->at(0) == second->at(0)) &&
               (size < 2 || first->at(1) == second->at(1));
      }
      return left.object() == right.object();
    }
    default:
      return true;  // None, undefined
  }
}

Result<bool> compare(Runtime& runtime,
                     Comparison comparison,
                     const Value& left,
                     const Value& right) {
  switch (comparison) {
    case Comparison::kEqual:
      return equals(runtime, left, right);
    case Comparison::kNotEqual: {
      CUPEL_TRY(const bool same, equals(runtime, left, right));
      return !same;
    }
    case Comparison::kIn:
      return contains(runtime, right, left);
    case Comparison::kNotIn: {
      CUPEL_TRY(const bool found, contains(runtime, right, left));
      return !found;
    }
    default:
      return order(runtime, comparison, left, right);
  }
}

Result<bool> contains(Runtime& runtime, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kText:
      if (!item.is_text()) {
        return invalid_argument("'in <string>' requires string as left operand, not {}",
                                type_name(item));
      }
      CUPEL_TRY_VOID(runtime.step(1 + container.bytes().size() / 64));
      return container.bytes().find(item.bytes()) != std::string::npos;
    case Kind::kDict: {
      CUPEL_TRY(const auto* value, find_key(runtime, container.dict(), item));
      return value != nullptr;
    }
    case Kind::kUndefined:
    case Kind::kSequence:
      return contains_item(runtime, container, item);
    case Kind::kObject:
      if (is_iterable(runtime, container)) {
        return contains_item(runtime, container, item);
      }
      break;
    default:
      break;
  }
  return invalid_argument("argument of type '{}' is not iterable", type_name(container));
}

Result<size_t> hash(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kText:
      return hash_text(value.bytes());
    case Kind::kBool:
    case Kind::kInt:
      return std::hash<double>{}(value.as_double());
    case Kind::kFloat:
      return std::hash<double>{}(value.as_double());
    case Kind::kSequence: {
      if (!value.sequence().tuple) {
        break;
      }
      size_t seed = 0x51ED27;
      for (const auto& item : value.items()) {
        CUPEL_TRY_VOID(runtime.step());
        CUPEL_TRY(const size_t part, hash(runtime, item));
        seed = mix(seed, part);
      }
      return seed;
    }
    case Kind::kDict:
      break;
    case Kind::kObject:
      return std::hash<const Object*>{}(value.object().get());
    default:
      return static_cast<size_t>(value.kind());
  }
  return invalid_argument("unhashable type: '{}'", type_name(value));
}

Result<const Value*> find_key(Runtime& runtime, const Dict& dict, const Value& key) {
  if (key.is_text()) {
    return dict.find(key.bytes());
  }
  CUPEL_TRY(const size_t wanted, hash(runtime, key));
  if (dict.index.empty()) {
    for (const auto& [candidate, value] : dict.entries) {
      CUPEL_TRY(const bool same, equals(runtime, candidate, key));
      if (same) {
        return &value;
      }
    }
    return static_cast<const Value*>(nullptr);
  }
  const auto [begin, end] = dict.index.equal_range(wanted);
  for (auto it = begin; it != end; ++it) {
    const auto& [candidate, value] = dict.entries[it->second];
    CUPEL_TRY(const bool same, equals(runtime, candidate, key));
    if (same) {
      return &value;
    }
  }
  return static_cast<const Value*>(nullptr);
}

Result<Ok> DictBuilder::set(Value key, Value value) {
  CUPEL_TRY_VOID(runtime_.step());
  CUPEL_TRY(const size_t key_hash, hash(runtime_, key));
  const auto [begin, end] = index_.equal_range(key_hash);
  for (auto it = begin; it != end; ++it) {
    auto& entry = entries_[it->second];
    CUPEL_TRY(const bool same, equals(runtime_, entry.first, key));
    if (same) {
      entry.second = std::move(value);
      return Ok{};
    }
  }
  index_.emplace(key_hash, static_cast<uint32_t>(entries_.size()));
  entries_.emplace_back(std::move(key), std::move(value));
  return Ok{};
}

Result<Value> DictBuilder::finish() && {
  if (entries_.size() <= kLinearDict) {
    index_.clear();
  }
  return runtime_.dict(std::move(entries_), std::move(index_));
}

namespace {

/// A stable bottom-up merge sort of positions: std::stable_sort cannot stop at a comparison that
/// fails.
class KeySorter {
 public:
  KeySorter(Runtime& runtime, const std::vector<Value>& keys, bool reverse)
      : runtime_(runtime),
        keys_(keys),
        reverse_(reverse),
        order_(keys.size()),
        merged_(keys.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
  }

  Result<std::vector<size_t>> run() {
    const size_t size = keys_.size();
    for (size_t width = 1; width < size; width *= 2) {
      for (size_t begin = 0; begin < size; begin += 2 * width) {
        CUPEL_TRY_VOID(
            merge(begin, std::min(begin + width, size), std::min(begin + 2 * width, size)));
      }
      order_.swap(merged_);
    }
    return std::move(order_);
  }

 private:
  // The right one goes first only when it is truly less (greater, in reverse): equal ones keep
  // their order.
  Result<bool> right_first(size_t left, size_t right) {
    CUPEL_TRY_VOID(runtime_.step());
    const Value& a = keys_[order_[reverse_ ? left : right]];
    const Value& b = keys_[order_[reverse_ ? right : left]];
    return compare(runtime_, Comparison::kLess, a, b);
  }

  Result<Ok> merge(size_t begin, size_t middle, size_t end) {
    size_t left = begin;
    size_t right = middle;
    for (size_t out = begin; out < end; ++out) {
      bool take_right = left >= middle;
      if (!take_right && right < end) {
        CUPEL_TRY(take_right, right_first(left, right));
      }
      merged_[out] = order_[take_right ? right++ : left++];
    }
    return Ok{};
  }

  Runtime& runtime_;
  const std::vector<Value>& keys_;
  bool reverse_;
  std::vector<size_t> order_;
  std::vector<size_t> merged_;
};

}  // namespace

Result<std::vector<Value>> sort_by_key(Runtime& runtime,
                                       std::vector<Value> items,
                                       const std::vector<Value>& keys,
                                       bool reverse) {
  CUPEL_TRY(const auto order, KeySorter(runtime, keys, reverse).run());
  std::vector<Value> sorted;
  sorted.reserve(items.size());
  for (const size_t index : order) {
    sorted.push_back(std::move(items[index]));
  }
  return sorted;
}

}  // namespace cupel::engine::jinja
