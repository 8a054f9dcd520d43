#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/result.h"

namespace cupel::engine {

/// A value of a JSON file with the way that led to it ("model.vocab"), so that every message says
/// where. Readers: kCorruptData names path, finding and what was expected.
class JsonAt {
 public:
  JsonAt(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  [[nodiscard]] const Json& value() const { return *value_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// What messages call it: the path, or "the file" at its root.
  [[nodiscard]] std::string name() const { return path_.empty() ? "the file" : path_; }

  /// The member of that name; nothing when it is absent or null.
  [[nodiscard]] std::optional<JsonAt> find(std::string_view key) const;
  [[nodiscard]] Result<JsonAt> member(std::string_view key) const;
  /// Elements of an array.
  [[nodiscard]] Result<std::vector<JsonAt>> items() const;

  [[nodiscard]] Result<std::string> text() const;
  [[nodiscard]] Result<int64_t> integer() const;
  [[nodiscard]] Result<std::string> text(std::string_view key) const;
  /// A member that may be absent or null.
  [[nodiscard]] Result<std::string> text_or(std::string_view key, std::string_view fallback) const;
  [[nodiscard]] Result<bool> flag_or(std::string_view key, bool fallback) const;
  [[nodiscard]] Result<int64_t> integer_or(std::string_view key, int64_t fallback) const;
  /// A text that is exactly one character.
  [[nodiscard]] Result<uint32_t> character(std::string_view key, std::string_view fallback) const;

  [[nodiscard]] Error mistyped(std::string_view expected) const;
  /// Names the path and the kind of thing that Cupel does not know.
  [[nodiscard]] Error unknown(std::string_view kind, std::string_view name) const;

 private:
  const Json* value_;
  std::string path_;
};

}  // namespace cupel::engine
