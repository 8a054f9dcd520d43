#include "engine/template/iterate.h"

#include <algorithm>

#include "base/error.h"
#include "engine/template/repr.h"
#include "engine/template/unicode.h"

namespace cupel::engine::jinja {
namespace {

class SequenceIterator : public Iterator {
 public:
  explicit SequenceIterator(Value sequence) : sequence_(std::move(sequence)) {}
  [[nodiscard]] std::string_view type_name() const override {
    return sequence_.sequence().tuple ? "tuple_iterator" : "list_iterator";
  }
  Result<std::optional<Value>> next(Runtime& /*runtime*/) override {
    const auto& items = sequence_.items();
    if (position_ >= items.size()) {
      return std::optional<Value>();
    }
    return std::optional<Value>(items[position_++]);
  }

 private:
  Value sequence_;
  size_t position_ = 0;
};

class TextIterator : public Iterator {
 public:
  explicit TextIterator(Value text) : text_(std::move(text)) {}
  [[nodiscard]] std::string_view type_name() const override { return "str_iterator"; }
  Result<std::optional<Value>> next(Runtime& runtime) override {
    const auto& bytes = text_.bytes();
    if (offset_ >= bytes.size()) {
      return std::optional<Value>();
    }
    const size_t length = sequence_length(bytes[offset_]);
    CUPEL_TRY(auto character, runtime.text(bytes.substr(offset_, length)));
    offset_ += length;
    return std::optional<Value>(std::move(character));
  }

 private:
  Value text_;
  size_t offset_ = 0;
};

class DictIterator : public Iterator {
 public:
  DictIterator(Value dict, DictView::Part part) : dict_(std::move(dict)), part_(part) {}
  [[nodiscard]] std::string_view type_name() const override { return "dict_iterator"; }
  Result<std::optional<Value>> next(Runtime& runtime) override {
    const auto& entries = dict_.dict().entries;
    if (position_ >= entries.size()) {
      return std::optional<Value>();
    }
    const auto& [key, value] = entries[position_++];
    if (part_ == DictView::Part::kItems) {
      CUPEL_TRY(auto pair, runtime.pair(key, value));
      return std::optional<Value>(std::move(pair));
    }
    return std::optional<Value>(part_ == DictView::Part::kKeys ? key : value);
  }

 private:
  Value dict_;
  DictView::Part part_;
  size_t position_ = 0;
};

class EmptyIterator : public Iterator {
 public:
  Result<std::optional<Value>> next(Runtime& /*runtime*/) override {
    return std::optional<Value>();
  }
};

template <typename T, typename... Args>
Result<std::shared_ptr<Iterator>> make_iterator(Runtime& runtime, int depth, Args&&... args) {
  auto iterator = std::make_shared<T>(std::forward<Args>(args)...);
  CUPEL_TRY_VOID(runtime.object(iterator, depth));
  return std::shared_ptr<Iterator>(std::move(iterator));
}

Error not_iterable(const Value& value) {
  return invalid_argument("'{}' object is not iterable", type_name(value));
}

}  // namespace

int64_t Range::size() const {
  if (step_ > 0) {
    return start_ < stop_ ? (stop_ - start_ - 1) / step_ + 1 : 0;
  }
  return start_ > stop_ ? (start_ - stop_ - 1) / -step_ + 1 : 0;
}

Result<Ok> Range::append_repr(Runtime& /*runtime*/, std::string& out) {
  out += format("range({}, {}", start_, stop_);
  out += step_ == 1 ? ")" : format(", {})", step_);
  return Ok{};
}

Result<std::optional<Value>> Range::item(Runtime& /*runtime*/, const Value& key) {
  if (!key.is_integral()) {
    return std::optional<Value>();
  }
  const int64_t index = key.as_int() < 0 ? key.as_int() + size() : key.as_int();
  if (index < 0 || index >= size()) {
    return std::optional<Value>();
  }
  return std::optional<Value>(Value::integer(at(index)));
}

Result<std::shared_ptr<Iterator>> Range::iterate(Runtime& runtime) {
  return make_iterator<Generator>(
      runtime, 0,
      [start = start_, step = step_, size = size(),
       index = int64_t{0}](Runtime&) mutable -> Result<std::optional<Value>> {
        if (index >= size) {
          return std::optional<Value>();
        }
        return std::optional<Value>(Value::integer(start + step * index++));
      });
}

Result<std::optional<int64_t>> Range::length(Runtime& /*runtime*/) {
  return std::optional<int64_t>(size());
}

std::string_view DictView::type_name() const {
  switch (part_) {
    case Part::kKeys:
      return "dict_keys";
    case Part::kValues:
      return "dict_values";
    case Part::kItems:
      return "dict_items";
  }
  return "dict_items";
}

Result<Ok> DictView::append_repr(Runtime& runtime, std::string& out) {
  CUPEL_TRY(auto items, collect(runtime));
  CUPEL_TRY(const auto list, runtime.list(std::move(items)));
  out += type_name();
  out += '(';
  CUPEL_TRY_VOID(jinja::append_repr(runtime, list, out));
  out += ')';
  return Ok{};
}

Result<std::shared_ptr<Iterator>> DictView::iterate(Runtime& runtime) {
  return make_iterator<DictIterator>(runtime, depth, dict_, part_);
}

Result<std::optional<int64_t>> DictView::length(Runtime& /*runtime*/) {
  return std::optional<int64_t>(static_cast<int64_t>(dict_.dict().entries.size()));
}

Result<std::vector<Value>> DictView::collect(Runtime& runtime) const {
  DictIterator iterator(dict_, part_);
  std::vector<Value> items;
  while (true) {
    CUPEL_TRY(auto item, iterator.next(runtime));
    if (!item) {
      return items;
    }
    items.push_back(std::move(*item));
  }
}

Result<std::shared_ptr<Iterator>> iterate(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return make_iterator<EmptyIterator>(runtime, 0);
    case Kind::kText:
      return make_iterator<TextIterator>(runtime, 0, value);
    case Kind::kSequence:
      return make_iterator<SequenceIterator>(runtime, value.depth(), value);
    case Kind::kDict:
      return make_iterator<DictIterator>(runtime, value.depth(), value, DictView::Part::kKeys);
    case Kind::kObject: {
      if (auto iterator = std::dynamic_pointer_cast<Iterator>(value.object())) {
        return iterator;
      }
      CUPEL_TRY(auto iterator, value.object()->iterate(runtime));
      if (iterator == nullptr) {
        return not_iterable(value);
      }
      return iterator;
    }
    default:
      return not_iterable(value);
  }
}

bool is_iterable(Runtime& runtime, const Value& value) {
  return iterate(runtime, value).has_value();
}

Result<std::vector<Value>> collect(Runtime& runtime, const Value& value) {
  if (value.is(Kind::kSequence)) {
    CUPEL_TRY_VOID(runtime.step(1 + value.items().size() / 4));
    return value.items();
  }
  CUPEL_TRY(const auto iterator, iterate(runtime, value));
  std::vector<Value> items;
  while (true) {
    CUPEL_TRY_VOID(runtime.step());
    CUPEL_TRY(auto item, iterator->next(runtime));
    if (!item) {
      return items;
    }
    items.push_back(std::move(*item));
  }
}

Result<int64_t> length(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return int64_t{0};
    case Kind::kText:
      return static_cast<int64_t>(value.text().length);
    case Kind::kSequence:
      return static_cast<int64_t>(value.items().size());
    case Kind::kDict:
      return static_cast<int64_t>(value.dict().entries.size());
    case Kind::kObject: {
      CUPEL_TRY(const auto size, value.object()->length(runtime));
      if (size) {
        return *size;
      }
      break;
    }
    default:
      break;
  }
  return invalid_argument("object of type '{}' has no len()", type_name(value));
}

bool has_length(Runtime& runtime, const Value& value) {
  return length(runtime, value).has_value();
}

Result<std::optional<std::vector<Value>>> reversed(Runtime& runtime, const Value& value) {
  const bool ordered = value.is_text() || value.is_undefined() || value.is(Kind::kSequence) ||
                       value.is_dict() || value.object_as<Range>() != nullptr ||
                       value.object_as<DictView>() != nullptr;
  if (!ordered) {
    return std::optional<std::vector<Value>>();
  }
  CUPEL_TRY(auto items, collect(runtime, value));
  std::reverse(items.begin(), items.end());
  return std::optional<std::vector<Value>>(std::move(items));
}

Result<Value> make_generator(Runtime& runtime, int inner_depth, Generator::Next next) {
  return runtime.object(std::make_shared<Generator>(std::move(next)), inner_depth);
}

}  // namespace cupel::engine::jinja
