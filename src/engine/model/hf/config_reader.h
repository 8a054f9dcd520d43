#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::engine::hf {

/// Reads a config.json and knows which of its keys were read: a setting that nobody looks at would
/// be computed wrongly without a word. Keys of nested objects are written with a dot.
class ConfigReader {
 public:
  /// `place` names the file, and the object inside it, in messages. `object` must outlive the
  /// reader.
  ConfigReader(const Json& object, std::string place)
      : object_(&object), place_(std::move(place)) {}

  [[nodiscard]] const std::string& place() const { return place_; }
  /// The member, which counts as read; nullptr when absent or null.
  const Json* find(std::string_view key);
  [[nodiscard]] bool contains(std::string_view key) { return find(key) != nullptr; }
  /// Whether the key is there, be it null: "none" and not "the usual".
  [[nodiscard]] bool states(std::string_view key) const { return object_->find(key) != nullptr; }

  // Errors: kCorruptData - absent or of another type, by key.
  Result<int64_t> integer(std::string_view key);
  Result<int64_t> integer_or(std::string_view key, int64_t fallback);
  Result<double> number(std::string_view key);
  Result<double> number_or(std::string_view key, double fallback);
  Result<bool> flag_or(std::string_view key, bool fallback);
  Result<std::string> text_or(std::string_view key, std::string_view fallback);
  /// Empty when absent.
  Result<std::vector<float>> numbers(std::string_view key);
  /// Empty when absent.
  Result<std::vector<std::string>> texts(std::string_view key);

  /// Errors: kUnsupported - the key is there and its value is not the one that is computed.
  Result<Ok> expect_flag(std::string_view key, bool computed);
  Result<Ok> expect_integer(std::string_view key, int64_t computed);
  Result<Ok> expect_text(std::string_view key, std::initializer_list<std::string_view> computed);
  /// Keys that change nothing of what is computed.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Errors: kUnsupported - names the first key that was not read.
  [[nodiscard]] Result<Ok> refuse_unread() const;

 private:
  [[nodiscard]] Error mistyped(std::string_view key,
                               std::string_view expected,
                               const Json* found) const;

  const Json* object_;
  std::string place_;
  std::unordered_set<std::string> used_;
};

}  // namespace cupel::engine::hf
