#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::engine::jinja {

/// Live bytes of one rendering; every payload made by it gives its share back when it dies.
struct MemoryBudget {
  size_t live = 0;
  size_t limit = 0;
};

/// What every heap value has: its share of the budget and its nesting depth (a scalar has 0).
///
/// Values are immutable, so the depth is known at construction; the limit on it bounds the
/// recursion of repr, comparison, JSON and destruction.
struct Payload {
  Payload() = default;
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  ~Payload() {
    if (budget != nullptr) {
      budget->live -= charged;
    }
  }
  MemoryBudget* budget = nullptr;
  size_t charged = 0;
  int depth = 0;
};

/// A Python str: valid UTF-8, measured in code points; `markup` marks a `markupsafe.Markup`.
struct Text : Payload {
  std::string bytes;
  size_t length = 0;  ///< code points
  bool markup = false;
  [[nodiscard]] bool ascii() const { return length == bytes.size(); }
};

struct Sequence;
struct Dict;
struct UndefinedInfo;
class Object;
class Iterator;
class Runtime;
struct Arguments;

enum class Kind : uint8_t {
  kMissing,  ///< no value at all: an unset slot, an argument that was not passed
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kSequence,  ///< list or tuple
  kDict,
  kObject,  ///< everything else: functions, iterators, ranges, namespaces, loops …
};

/// One Python value as templates see it. Cheap to copy: containers are shared and immutable.
class Value {
 public:
  Value() = default;  ///< missing
  // Defined in value.cpp: inlined, the moves of this variant make g++ 12 warn of uninitialised use.
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();
  static Value none() { return Value(State(None{})); }
  static Value boolean(bool value) { return Value(State(value)); }
  static Value integer(int64_t value) { return Value(State(value)); }
  static Value real(double value) { return Value(State(value)); }
  explicit Value(std::shared_ptr<const UndefinedInfo> value) : state_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Text> value) : state_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Sequence> value) : state_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Dict> value) : state_(std::move(value)) {}
  explicit Value(std::shared_ptr<Object> value) : state_(std::move(value)) {}

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(state_.index()); }
  [[nodiscard]] bool is(Kind kind_wanted) const { return kind() == kind_wanted; }
  [[nodiscard]] bool is_missing() const { return is(Kind::kMissing); }
  [[nodiscard]] bool is_undefined() const { return is(Kind::kUndefined); }
  [[nodiscard]] bool is_none() const { return is(Kind::kNone); }
  [[nodiscard]] bool is_text() const { return is(Kind::kText); }
  [[nodiscard]] bool is_markup() const { return is_text() && text().markup; }
  [[nodiscard]] bool is_dict() const { return is(Kind::kDict); }
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool is_tuple() const;
  /// bool, int or float; in Python a bool is an int.
  [[nodiscard]] bool is_number() const { return is_integral() || is(Kind::kFloat); }
  [[nodiscard]] bool is_integral() const { return is(Kind::kInt) || is(Kind::kBool); }

  [[nodiscard]] bool as_bool() const { return std::get<bool>(state_); }
  /// Of an int or a bool.
  [[nodiscard]] int64_t as_int() const {
    return is(Kind::kBool) ? static_cast<int64_t>(as_bool()) : std::get<int64_t>(state_);
  }
  /// Of any number.
  [[nodiscard]] double as_double() const {
    return is(Kind::kFloat) ? std::get<double>(state_) : static_cast<double>(as_int());
  }
  [[nodiscard]] const Text& text() const { return *std::get<std::shared_ptr<const Text>>(state_); }
  [[nodiscard]] const std::string& bytes() const { return text().bytes; }
  [[nodiscard]] const Sequence& sequence() const {
    return *std::get<std::shared_ptr<const Sequence>>(state_);
  }
  [[nodiscard]] const std::vector<Value>& items() const;
  [[nodiscard]] const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(state_); }
  [[nodiscard]] const std::shared_ptr<Object>& object() const {
    return std::get<std::shared_ptr<Object>>(state_);
  }
  [[nodiscard]] const UndefinedInfo& undefined() const {
    return *std::get<std::shared_ptr<const UndefinedInfo>>(state_);
  }
  /// The object when it is a T, else nullptr.
  template <typename T>
  [[nodiscard]] T* object_as() const {
    return is(Kind::kObject) ? dynamic_cast<T*>(object().get()) : nullptr;
  }
  /// Nesting depth: 0 for scalars and strings.
  [[nodiscard]] int depth() const;
  /// Python's `is`.
  [[nodiscard]] bool same_as(const Value& other) const;

 private:
  struct None {};
  using State = std::variant<std::monostate,
                             std::shared_ptr<const UndefinedInfo>,
                             None,
                             bool,
                             int64_t,
                             double,
                             std::shared_ptr<const Text>,
                             std::shared_ptr<const Sequence>,
                             std::shared_ptr<const Dict>,
                             std::shared_ptr<Object>>;
  explicit Value(State state) : state_(std::move(state)) {}
  State state_;
};

/// A list or a tuple. `group` marks the pair of `groupby`, which also has attributes.
struct Sequence : Payload {
  std::vector<Value> items;
  bool tuple = false;
  bool group = false;
};

/// A dict in order of insertion. Keys are hashable values; lookups by string are the common case.
struct Dict : Payload {
  using Entry = std::pair<Value, Value>;
  std::vector<Entry> entries;
  /// Position by hash, filled for dicts of more than a few entries (see DictBuilder).
  std::unordered_multimap<size_t, uint32_t> index;
  /// The value of a string key, or nullptr.
  [[nodiscard]] const Value* find(std::string_view key) const;
};

/// Why a value is undefined; decides the message when it is used.
struct UndefinedInfo {
  std::string message;    ///< "'x' is undefined", "'dict object' has no attribute 'y'", …
  bool security = false;  ///< an attribute that the sandbox forbids
};

/// Base of all values that are no plain data.
class Object : public Payload, public std::enable_shared_from_this<Object> {
 public:
  virtual ~Object() = default;
  /// Python's type name: "generator", "function", "Namespace", …
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  /// Python's repr, appended; "<generator object>" and the like unless the type says more.
  virtual Result<Ok> append_repr(Runtime& runtime, std::string& out);
  /// An attribute that exists on the object (methods included), or nothing.
  virtual Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name);
  /// `object[key]`, or nothing when there is no such item (or no items at all).
  virtual Result<std::optional<Value>> item(Runtime& runtime, const Value& key);
  /// A fresh iterator, or nullptr when the type is not iterable.
  virtual Result<std::shared_ptr<Iterator>> iterate(Runtime& runtime);
  /// Python's len(), or nothing when the type has none.
  virtual Result<std::optional<int64_t>> length(Runtime& runtime);
  [[nodiscard]] virtual bool callable() const { return false; }
  virtual Result<Value> call(Runtime& runtime, Arguments arguments);
  /// Drops what it holds, to break cycles when a rendering ends (see Runtime::retain).
  virtual void release() {}
};

Value make_undefined(std::string message, bool security = false);

/// Python's name of the type: "str", "dict", "NoneType", "Undefined", …
std::string_view type_name(const Value& value);

/// FNV-style hash of a string key, as used by Dict::index.
size_t hash_text(std::string_view text);

}  // namespace cupel::engine::jinja
