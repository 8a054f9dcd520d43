#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel {

/// Takes a few members out of JSON texts without building what is not asked for: for files of many
/// objects of which little is wanted.
///
/// A path is a key, or keys joined by dots for members of members ("conv_metadata.turns"). The text
/// is held to the grammar of RFC 8259 throughout (nesting up to 512); whether strings that are not
/// asked for are UTF-8 is not looked at. A key on the way to a path may not stand twice in its
/// object: which of the values is meant, nobody can say.
class JsonFieldReader {
 public:
  explicit JsonFieldReader(const std::vector<std::string>& paths);

  /// Reads one text; an object is expected. Errors: kCorruptData with the column.
  Result<Ok> read(std::string_view text);
  /// The value of a path (by its index) as text: a string without quotes and escapes, else as it
  /// stands in the file. Empty when it is absent or null. Valid until the next `read`, while the
  /// text lives.
  [[nodiscard]] std::string_view value(size_t path) const { return values_[path]; }
  /// Whether the path was there, null included.
  [[nodiscard]] bool has(size_t path) const { return values_[path].data() != nullptr; }

 private:
  friend class JsonFieldParser;
  static constexpr size_t kNoPath = SIZE_MAX;
  /// A key on the way to a path.
  struct Node {
    std::string key;
    size_t path = kNoPath;
    std::vector<size_t> children;
  };
  std::vector<Node> nodes_;    // the first stands for the whole text
  std::vector<uint8_t> seen_;  // [nodes_] whether the text at hand has the key
  std::vector<std::string_view> values_;
  std::vector<std::string> unescaped_;  // of values with escapes
};

/// The dotted paths of all members of a JSON object, objects within it opened (up to `depth` of
/// them), in order. Errors: as JsonFieldReader.
Result<std::vector<std::string>> json_paths(std::string_view text, size_t depth = 3);

}  // namespace cupel
