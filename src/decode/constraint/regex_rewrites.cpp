#include "decode/constraint/regex_rewrites.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cupel::decode::constraint {
namespace {

using Kind = RegexNode::Kind;

RegexNode repeated(RegexNode node, int64_t min, int64_t max) {
  node.min = min;
  node.max = max;
  return node;
}

bool is_fixed(const RegexLength& length) {
  return length.min == length.max;
}

std::optional<RegexNode> sequence_of_length(const RegexNode& node, int64_t min, int64_t max) {
  int64_t fixed = 0;
  size_t open = node.children.size();
  for (size_t i = 0; i < node.children.size(); ++i) {
    const RegexLength length = regex_length(node.children[i]);
    if (is_fixed(length)) {
      fixed += length.min;
    } else if (open < node.children.size()) {
      return std::nullopt;
    } else {
      open = i;
    }
  }
  if (open == node.children.size()) {
    return fixed >= min && fixed <= max ? std::optional(node) : std::nullopt;
  }
  auto part = of_length(node.children[open], std::max<int64_t>(min - fixed, 0),
                        max == RegexNode::kUnbounded ? max : max - fixed);
  if (!part) {
    return std::nullopt;
  }
  RegexNode whole = node;
  whole.children[open] = std::move(*part);
  return whole;
}

std::optional<RegexNode> alternatives_of_length(const RegexNode& node, int64_t min, int64_t max) {
  RegexNode some{.kind = Kind::kAlternatives};
  for (const RegexNode& child : node.children) {
    const RegexLength length = regex_length(child);
    auto part = of_length(child, min, max);
    if (part) {
      some.children.push_back(std::move(*part));
    } else if (length.max >= min && length.min <= max) {
      return std::nullopt;  // it has such texts, but they cannot be told here
    }
  }
  return some.children.empty() ? std::nullopt : std::optional(std::move(some));
}

/// A tree that may have no text at all, and how many nodes may still be made.
class Outside {
 public:
  explicit Outside(const CodePointSet& set) : set_(set) {}

  std::optional<RegexNode> of(const RegexNode& node) {
    const RegexNode unit = copy(repeated(node, 1, 1));
    const auto mark = once(unit);
    if (!mark || node.max == 0) {
      return std::nullopt;
    }
    const bool endless = node.max == RegexNode::kUnbounded;
    RegexNode all{.kind = Kind::kAlternatives};
    const int64_t last = endless ? node.min : node.max;
    for (int64_t before = 0; before < last && !full(); ++before) {
      const int64_t least = std::max<int64_t>(node.min - before - 1, 0);
      add(all, repeated(copy(unit), before, before), *mark,
          repeated(copy(unit), least, endless ? node.max : node.max - before - 1));
    }
    if (endless) {
      add(all, repeated(copy(unit), node.min, node.max), *mark, repeated(copy(unit), 0, node.max));
    }
    return all;
  }
  [[nodiscard]] bool full() const { return made_ > kMostNodes; }

 private:
  static constexpr int64_t kMostNodes = 100'000;

  RegexNode copy(RegexNode node) {
    made_ += nodes_of(node);
    return node;
  }
  static int64_t nodes_of(const RegexNode& node) {
    int64_t count = 1;
    for (const RegexNode& child : node.children) {
      count += nodes_of(child);
    }
    return count;
  }

  // One text of the node as it stands, not repeated.
  std::optional<RegexNode> once(const RegexNode& node) {
    if (node.kind == Kind::kSet) {
      CodePointSet rest = node.set.without(set_);
      return rest.ranges().empty()
                 ? std::nullopt
                 : std::optional(RegexNode{.kind = Kind::kSet, .set = std::move(rest)});
    }
    RegexNode some{.kind = Kind::kAlternatives};
    for (size_t i = 0; i < node.children.size() && !full(); ++i) {
      auto part = of(node.children[i]);
      if (!part) {
        continue;
      }
      if (node.kind == Kind::kAlternatives) {
        some.children.push_back(std::move(*part));
        continue;
      }
      RegexNode sequence = copy(node);
      sequence.children[i] = std::move(*part);
      some.children.push_back(std::move(sequence));
    }
    return some.children.empty() ? std::nullopt : std::optional(std::move(some));
  }

  static void add(RegexNode& all, RegexNode before, const RegexNode& mark, RegexNode after) {
    RegexNode sequence;
    if (before.max > 0) {
      sequence.children.push_back(std::move(before));
    }
    sequence.children.push_back(mark);
    if (after.max > 0) {
      sequence.children.push_back(std::move(after));
    }
    all.children.push_back(std::move(sequence));
  }

  const CodePointSet& set_;
  int64_t made_ = 0;
};

}  // namespace

std::optional<RegexNode> of_length(const RegexNode& node, int64_t min, int64_t max) {
  const RegexLength length = regex_length(node);
  if (length.min >= min && length.max <= max) {
    return node;
  }
  if (length.max < min || length.min > max) {
    return std::nullopt;
  }
  const RegexNode unit = repeated(node, 1, 1);
  if (node.min == 1 && node.max == 1) {
    return node.kind == Kind::kSequence ? sequence_of_length(node, min, max)
                                        : alternatives_of_length(node, min, max);
  }
  const RegexLength each = regex_length(unit);
  if (!is_fixed(each) || each.min == 0) {
    return std::nullopt;
  }
  const int64_t least = std::max(node.min, (min + each.min - 1) / each.min);
  const int64_t most = max == RegexNode::kUnbounded ? node.max : std::min(node.max, max / each.min);
  return least > most ? std::nullopt : std::optional(repeated(node, least, most));
}

Result<std::optional<RegexNode>> with_one_outside(const RegexNode& node, const CodePointSet& set) {
  Outside outside(set);
  auto rest = outside.of(node);
  if (outside.full()) {
    return exhausted("the look-ahead stands before too large an expression");
  }
  return rest;
}

}  // namespace cupel::decode::constraint
