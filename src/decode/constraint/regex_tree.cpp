// What a parsed expression describes: its lengths and its automaton.
#include <algorithm>

#include "decode/constraint/regex_parser.h"

namespace cupel::decode::constraint {
namespace {

int64_t times(int64_t a, int64_t b) {
  int64_t product = 0;
  const bool over = a == RegexNode::kUnbounded || b == RegexNode::kUnbounded ||
                    __builtin_mul_overflow(a, b, &product);
  return a == 0 || b == 0 ? 0 : over ? RegexNode::kUnbounded : product;
}

int64_t plus(int64_t a, int64_t b) {
  return a > RegexNode::kUnbounded - b ? RegexNode::kUnbounded : a + b;
}

NodeId add_once(AutomatonBuilder& builder, const RegexNode& node, Spelling spelling, NodeId from) {
  switch (node.kind) {
    case RegexNode::Kind::kSet: {
      const NodeId to = builder.add_node();
      add_code_points(builder, node.set, spelling, from, to);
      return to;
    }
    case RegexNode::Kind::kSequence:
      for (const RegexNode& child : node.children) {
        from = add_regex(builder, child, spelling, from);
      }
      return from;
    case RegexNode::Kind::kAlternatives:
      break;
  }
  const NodeId to = builder.add_node();
  for (const RegexNode& child : node.children) {
    builder.add_nothing(add_regex(builder, child, spelling, from), to);
  }
  return to;
}

}  // namespace

RegexLength regex_length(const RegexNode& node) {
  RegexLength length;
  switch (node.kind) {
    case RegexNode::Kind::kSet:
      length = {1, 1};
      break;
    case RegexNode::Kind::kSequence:
      for (const RegexNode& child : node.children) {
        const RegexLength part = regex_length(child);
        length = {plus(length.min, part.min), plus(length.max, part.max)};
      }
      break;
    case RegexNode::Kind::kAlternatives:
      length.min = RegexNode::kUnbounded;
      for (const RegexNode& child : node.children) {
        const RegexLength part = regex_length(child);
        length = {std::min(length.min, part.min), std::max(length.max, part.max)};
      }
      break;
  }
  return {times(length.min, node.min), times(length.max, node.max)};
}

NodeId add_regex(AutomatonBuilder& builder, const RegexNode& node, Spelling spelling, NodeId from) {
  for (int64_t i = 0; i < node.min && !builder.full(); ++i) {
    from = add_once(builder, node, spelling, from);
  }
  if (node.max == RegexNode::kUnbounded) {
    const NodeId loop = builder.add_node();
    builder.add_nothing(from, loop);
    builder.add_nothing(add_once(builder, node, spelling, loop), loop);
    const NodeId to = builder.add_node();
    builder.add_nothing(loop, to);
    return to;
  }
  if (node.max == node.min) {
    return from;
  }
  const NodeId to = builder.add_node();
  for (int64_t i = node.min; i < node.max && !builder.full(); ++i) {
    builder.add_nothing(from, to);
    from = add_once(builder, node, spelling, from);
  }
  builder.add_nothing(from, to);
  return to;
}

}  // namespace cupel::decode::constraint
