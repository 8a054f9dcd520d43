#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "decode/constraint/automaton.h"

namespace cupel::decode::constraint {

/// Blanks, tabs and line ends that may stand at each place where JSON allows white space. Weak
/// models otherwise write nothing else any more.
inline constexpr int kMaxWhitespace = 16;

/// The parts that all JSON texts are made of, as rules and pieces of one automaton. Rules are added
/// when they are first asked for.
class JsonParts {
 public:
  explicit JsonParts(AutomatonBuilder& builder) : builder_(builder) {}

  NodeId add_whitespace(NodeId from);
  /// White space, the byte, white space.
  NodeId add_separator(NodeId from, char byte);
  /// Any JSON value; nested at most as deep as calls may be open (Automaton::kMaxDepth).
  RuleId value();
  RuleId object();
  RuleId array();
  /// A string with its quotes. Escapes of surrogates come in pairs only.
  RuleId string();
  /// What follows the opening quote, the closing one included.
  RuleId string_rest();
  RuleId number();
  RuleId integer();
  /// A string of `min` to `max` code points; an escape other than \u is one of them.
  NodeId add_counted_string(NodeId from, int64_t min, int64_t max);
  /// A string other than each of `names`. While it is like the beginning of one, it has no escapes,
  /// which could spell it in another way.
  NodeId add_other_string(NodeId from, std::span<const std::string> names);
  /// Code points that stand for themselves in a string.
  static void add_plain_character(AutomatonBuilder& builder, NodeId from, NodeId to);

 private:
  struct Lazy {
    RuleId rule = -1;
  };
  RuleId make(Lazy& lazy, const char* name, void (JsonParts::*build)(NodeId begin, NodeId end));
  void build_value(NodeId begin, NodeId end);
  void build_object(NodeId begin, NodeId end);
  void build_array(NodeId begin, NodeId end);
  void build_string(NodeId begin, NodeId end);
  void build_string_rest(NodeId begin, NodeId end);
  void build_number(NodeId begin, NodeId end);
  void build_integer(NodeId begin, NodeId end);
  void add_unicode_escape(NodeId from, NodeId to);
  void add_other(NodeId from, std::span<const std::string> names, size_t read, NodeId end);

  AutomatonBuilder& builder_;
  Lazy value_;
  Lazy object_;
  Lazy array_;
  Lazy string_;
  Lazy string_rest_;
  Lazy number_;
  Lazy integer_;
};

}  // namespace cupel::decode::constraint
