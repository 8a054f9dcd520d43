#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cupel::rank {

/// Names as small integers, numbered from 0 in order of first appearance.
class NameIndex {
 public:
  /// The number of a name; a new name gets the next one.
  int32_t intern(std::string_view name);
  [[nodiscard]] std::optional<int32_t> find(std::string_view name) const;
  [[nodiscard]] const std::string& name(int32_t index) const {
    return names_[static_cast<size_t>(index)];
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] size_t size() const { return names_.size(); }
  /// For each index its place in the alphabet of names: an order that does not depend on
  /// appearance.
  [[nodiscard]] std::vector<int32_t> alphabetical_places() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> indices_;
};

}  // namespace cupel::rank
