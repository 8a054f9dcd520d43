#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/template/runtime.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// A Python iterator: gives its items once. Generators of filters are iterators too, so a template
/// that walks one twice sees nothing the second time, as in the reference.
class Iterator : public Object {
 public:
  [[nodiscard]] std::string_view type_name() const override { return "generator"; }
  /// The next item, or nothing at the end.
  virtual Result<std::optional<Value>> next(Runtime& runtime) = 0;
};

/// A lazily evaluated generator around a function.
class Generator : public Iterator {
 public:
  using Next = std::function<Result<std::optional<Value>>(Runtime&)>;
  explicit Generator(Next next) : next_(std::move(next)) {}
  Result<std::optional<Value>> next(Runtime& runtime) override { return next_(runtime); }

 private:
  Next next_;
};

/// A Python range.
class Range : public Object {
 public:
  Range(int64_t start, int64_t stop, int64_t step) : start_(start), stop_(stop), step_(step) {}
  [[nodiscard]] std::string_view type_name() const override { return "range"; }
  Result<Ok> append_repr(Runtime& runtime, std::string& out) override;
  Result<std::optional<Value>> item(Runtime& runtime, const Value& key) override;
  Result<std::shared_ptr<Iterator>> iterate(Runtime& runtime) override;
  Result<std::optional<int64_t>> length(Runtime& runtime) override;
  [[nodiscard]] int64_t size() const;
  [[nodiscard]] int64_t at(int64_t index) const { return start_ + index * step_; }

 private:
  int64_t start_;
  int64_t stop_;
  int64_t step_;
};

/// What dict.keys(), dict.values() and dict.items() give.
class DictView : public Object {
 public:
  enum class Part { kKeys, kValues, kItems };
  DictView(Value dict, Part part) : dict_(std::move(dict)), part_(part) {}
  [[nodiscard]] std::string_view type_name() const override;
  Result<Ok> append_repr(Runtime& runtime, std::string& out) override;
  Result<std::shared_ptr<Iterator>> iterate(Runtime& runtime) override;
  Result<std::optional<int64_t>> length(Runtime& runtime) override;
  /// The items from last to first, for the `reverse` and `last` filters.
  Result<std::vector<Value>> collect(Runtime& runtime) const;

 private:
  Value dict_;
  Part part_;
};

/// Python's iter(). Errors: kInvalidArgument "'int' object is not iterable".
Result<std::shared_ptr<Iterator>> iterate(Runtime& runtime, const Value& value);
bool is_iterable(Runtime& runtime, const Value& value);
/// Python's list(): all items; counts a step each.
Result<std::vector<Value>> collect(Runtime& runtime, const Value& value);
/// Python's len(). Errors: kInvalidArgument "object of type 'int' has no len()".
Result<int64_t> length(Runtime& runtime, const Value& value);
bool has_length(Runtime& runtime, const Value& value);
/// Python's reversed() as a list; nothing for what cannot be reversed (generators).
Result<std::optional<std::vector<Value>>> reversed(Runtime& runtime, const Value& value);
/// Makes a generator value that holds values `inner_depth` deep.
Result<Value> make_generator(Runtime& runtime, int inner_depth, Generator::Next next);

}  // namespace cupel::engine::jinja
