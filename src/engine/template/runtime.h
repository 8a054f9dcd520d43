#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// Bounds of one rendering. Templates come with models and are untrusted.
struct Limits {
  int64_t steps = 10'000'000;        ///< nodes evaluated, items iterated, bytes handled / 64
  size_t text_bytes = 16u << 20;     ///< one string, and the whole output
  size_t memory_bytes = 256u << 20;  ///< live values together
  int depth = 1'500;                 ///< nested evaluation: expressions, blocks, macro calls
  size_t stack_bytes = 3u << 20;     ///< C++ stack used by them (matters in sanitizer builds)
  int value_depth = 600;             ///< nesting of lists and dicts
  int64_t range_items = 100'000;     ///< as jinja2's sandbox
};

/// A point in local time for `strftime_now`.
struct LocalTime {
  int year = 1970;
  int month = 1;  ///< 1..12
  int day = 1;    ///< 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microsecond = 0;
};
/// This machine's local time.
LocalTime local_time_now();

/// Arguments of a call: positional ones, then named ones in order.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  /// Takes the named argument out, or gives a missing value.
  Value take(std::string_view name);
};

/// What all operations on values share: limits, counters, clock and the making of heap values.
///
/// One runtime serves one rendering on one thread. Values that it made must die before it.
class Runtime {
 public:
  explicit Runtime(const Limits& limits, std::optional<LocalTime> now = std::nullopt);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] LocalTime now() const { return now_ ? *now_ : local_time_now(); }

  /// Counts work. Errors: kExhausted past the limit.
  Result<Ok> step(size_t count = 1);
  /// Refuses a string of that size before it is built. Errors: kExhausted.
  [[nodiscard]] Result<Ok> check_text_size(size_t bytes) const;

  /// Refuses a list of `count` times `size` items before it is built. Errors: kExhausted.
  [[nodiscard]] Result<Ok> check_items(size_t count, size_t size) const;

  // Makers of heap values. Errors: kExhausted for memory, text size or nesting depth.
  Result<Value> text(std::string bytes, bool markup = false);
  Result<Value> list(std::vector<Value> items);
  Result<Value> tuple(std::vector<Value> items);
  Result<Value> pair(Value first, Value second);
  Result<Value> dict(std::vector<Dict::Entry> entries,
                     std::unordered_multimap<size_t, uint32_t> index = {});
  Result<Value> sequence(std::shared_ptr<Sequence> sequence);
  /// Registers an object that holds values up to `inner_depth` deep.
  Result<Value> object(std::shared_ptr<Object> object, int inner_depth = 0, size_t bytes = 128);
  /// Charges a payload that grew after it was made (namespaces, activations).
  Result<Ok> charge(Payload& payload, size_t bytes);

  /// Keeps an object that may be part of a cycle (namespaces, closures) alive until the end, when
  /// all of them are told to release what they hold.
  void retain(std::shared_ptr<Object> object) { retained_.push_back(std::move(object)); }

  /// Counts nested evaluation for as long as it lives.
  class Nesting {
   public:
    explicit Nesting(Runtime& runtime) : runtime_(runtime) { ++runtime_.nesting_; }
    ~Nesting() { --runtime_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    [[nodiscard]] Result<Ok> check() const;

   private:
    Runtime& runtime_;
  };

 private:
  Limits limits_;
  MemoryBudget budget_;
  std::optional<LocalTime> now_;
  int64_t steps_ = 0;
  int nesting_ = 0;
  const char* stack_base_ = nullptr;
  std::vector<std::shared_ptr<Object>> retained_;
};

/// A value without a budget: constants of the template, variables from outside.
Value constant_text(std::string bytes, bool markup = false);

}  // namespace cupel::engine::jinja
