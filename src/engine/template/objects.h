#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/template/iterate.h"
#include "engine/template/runtime.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// What `namespace()` makes: the one kind of value whose attributes a template may set.
class Namespace : public Object {
 public:
  [[nodiscard]] std::string_view type_name() const override { return "Namespace"; }
  Result<Ok> append_repr(Runtime& runtime, std::string& out) override;
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
  /// Errors: kInvalidArgument for names that start with an underscore, as transformers has it.
  Result<Ok> set(Runtime& runtime, std::string_view name, Value value);
  void release() override;

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

/// The global `cycler(…)`.
class Cycler : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Cycler"; }
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
  Value next();
  void reset() { position_ = 0; }

 private:
  std::vector<Value> items_;
  size_t position_ = 0;
};

/// The global `joiner(…)`: "" at the first call, then the separator.
class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Joiner"; }
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, Arguments arguments) override;

 private:
  Value separator_;
  bool used_ = false;
};

/// The global `dict`: callable, and has `fromkeys`.
class DictFunction : public Object {
 public:
  [[nodiscard]] std::string_view type_name() const override { return "TemplateDict"; }
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, Arguments arguments) override;
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
};

/// Renders the body of a recursive loop once more: set by the evaluator.
using LoopRecursion = std::function<Result<Value>(const Value& iterable, int64_t depth)>;

/// The variable `loop` of a for loop; also what drives it.
class LoopContext : public Object {
 public:
  LoopContext(Value iterable,
              std::shared_ptr<Iterator> iterator,
              int64_t depth0,
              LoopRecursion recursion)
      : iterable_(std::move(iterable)),
        iterator_(std::move(iterator)),
        depth0_(depth0),
        recursion_(std::move(recursion)) {}
  [[nodiscard]] std::string_view type_name() const override { return "LoopContext"; }
  Result<Ok> append_repr(Runtime& runtime, std::string& out) override;
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;
  Result<std::optional<int64_t>> length(Runtime& runtime) override;
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, Arguments arguments) override;

  void release() override;

  /// Moves on to the next item.
  Result<std::optional<Value>> advance(Runtime& runtime);
  /// `loop.changed(…)`.
  Result<bool> changed(Runtime& runtime, std::vector<Value> values);
  [[nodiscard]] int64_t index0() const { return index0_; }

 private:
  Result<int64_t> count(Runtime& runtime);
  Result<std::optional<Value>> peek(Runtime& runtime);
  Result<std::optional<Value>> neighbour(Runtime& runtime, bool forward);

  Value iterable_;
  std::shared_ptr<Iterator> iterator_;
  int64_t depth0_;
  LoopRecursion recursion_;
  int64_t index0_ = -1;
  std::optional<int64_t> length_;
  Value after_;  // peeked at; missing when none
  bool at_end_ = false;
  Value current_;
  Value before_;
  Value last_changed_;
};

}  // namespace cupel::engine::jinja
