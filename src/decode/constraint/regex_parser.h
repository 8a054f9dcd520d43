#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decode/constraint/code_points.h"

namespace cupel::decode::constraint {

/// A regular expression as a tree.
struct RegexNode {
  enum class Kind {
    kSet,          ///< one code point of `set`
    kSequence,     ///< the children one after another; none: the empty text
    kAlternatives  ///< one of the children
  };
  static constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

  Kind kind = Kind::kSequence;
  CodePointSet set;
  std::vector<RegexNode> children;
  int64_t min = 1;  ///< times that all this is repeated
  int64_t max = 1;  ///< kUnbounded: without end
};

/// Code points that a text of the expression has, at least and at most (kUnbounded: any number).
struct RegexLength {
  int64_t min = 0;
  int64_t max = 0;
};
RegexLength regex_length(const RegexNode& node);

/// Parses the common subset of ECMA-262 and Perl: literals, `.`, classes, `\d \w \s` and their
/// complements, escapes, groups, `|`, and greedy or lazy quantifiers. A pattern describes the whole
/// text; `^` and `$` may stand at the ends of it and of its outermost alternatives and change
/// nothing. `\d`, `\w` and `\s` are ASCII.
/// Errors: kInvalidArgument - malformed; kUnsupported - look-around, back-references, `\b`, `\p`,
///         flags, anchors elsewhere; both name the place. kExhausted - longer than 64 KiB, or
///         groups nested more than 100 deep.
Result<RegexNode> parse_regex(std::string_view pattern);

/// Adds the expression's texts behind `from`; the node behind them.
NodeId add_regex(AutomatonBuilder& builder, const RegexNode& node, Spelling spelling, NodeId from);

}  // namespace cupel::decode::constraint
