#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

/// Reads the keys `<prefix>.*` of a checkpoint and knows which of them were read: a setting that
/// nobody looks at would be computed wrongly without a word.
class MetadataReader {
 public:
  MetadataReader(const Checkpoint& file, std::string_view prefix) : file_(&file), prefix_(prefix) {}

  [[nodiscard]] const Checkpoint& file() const { return *file_; }
  [[nodiscard]] std::string_view prefix() const { return prefix_; }
  /// "<prefix>.<name>".
  [[nodiscard]] std::string key(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name);

  // Errors: kCorruptData, by the name of the key. Sizes are 1 … limit, numbers finite.
  Result<int64_t> size(std::string_view name, int64_t limit);
  Result<int64_t> size_or(std::string_view name, int64_t fallback, int64_t limit);
  /// 0 when absent or 0.
  Result<int64_t> size_or_zero(std::string_view name, int64_t limit);
  Result<double> positive(std::string_view name);
  Result<double> positive_or(std::string_view name, double fallback);
  /// Positive or zero.
  Result<double> number_or(std::string_view name, double fallback);
  Result<bool> flag_or(std::string_view name, bool fallback);
  Result<std::string> text_or(std::string_view name, std::string_view fallback);
  /// One flag per layer from an array of booleans or integers; from an integer n: all but every
  /// n-th layer (0: no layer); else fallback(layer).
  Result<std::vector<bool>> flags_or(std::string_view name,
                                     size_t layers,
                                     FunctionRef<bool(size_t)> fallback);

  /// A key that is known to change nothing.
  void ignore(std::string_view name) { used_.insert(key(name)); }
  /// Errors: kUnsupported - names the first key of the prefix that was not read.
  [[nodiscard]] Result<Ok> refuse_unread() const;

 private:
  std::string used_key(std::string_view name);
  Result<int64_t> checked_size(std::string_view name, uint64_t value, int64_t limit) const;
  Result<double> checked_number(std::string_view name, double value, bool zero) const;

  const Checkpoint* file_;
  std::string prefix_;
  std::unordered_set<std::string> used_;
};

}  // namespace cupel::engine
