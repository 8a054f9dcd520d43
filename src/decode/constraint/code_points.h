#pragma once

#include <cstdint>
#include <vector>

#include "decode/constraint/automaton.h"

namespace cupel::decode::constraint {

inline constexpr uint32_t kLastCodePoint = 0x10FFFF;

/// Code points from `first` to `last`, both included.
struct CodePointRange {
  uint32_t first = 0;
  uint32_t last = 0;
  bool operator==(const CodePointRange&) const = default;
};

/// A set of code points as ranges, ascending and apart.
class CodePointSet {
 public:
  CodePointSet() = default;
  CodePointSet(std::initializer_list<CodePointRange> ranges);
  static CodePointSet all() { return {{0, kLastCodePoint}}; }

  void add(CodePointRange range) { ranges_.push_back(range); }
  void add(const CodePointSet& other);
  /// Puts in order what was added.
  void normalise();
  [[nodiscard]] CodePointSet complement() const;
  [[nodiscard]] CodePointSet without(const CodePointSet& other) const;
  [[nodiscard]] bool contains(uint32_t code_point) const;
  [[nodiscard]] const std::vector<CodePointRange>& ranges() const { return ranges_; }

 private:
  std::vector<CodePointRange> ranges_;
};

/// How a code point is written.
enum class Spelling {
  kPlain,       ///< its UTF-8 bytes
  kJsonString,  ///< as inside a JSON string: quotes, backslashes and control characters escaped
};

/// Adds ways from `from` to `to` that read one code point of the set. Surrogates are never read.
void add_code_points(
    AutomatonBuilder& builder, const CodePointSet& set, Spelling spelling, NodeId from, NodeId to);

}  // namespace cupel::decode::constraint
