#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace cupel::decode::constraint {

using NodeId = int32_t;
using RuleId = int32_t;

/// What one arrow of the automaton reads: a byte of a range, nothing, or all that a rule reads.
struct Edge {
  static constexpr RuleId kBytes = -1;
  static constexpr RuleId kNothing = -2;

  NodeId to = 0;
  RuleId rule = kBytes;  ///< kBytes, kNothing, or the rule that is called
  uint8_t low = 0;       ///< kBytes: the range, both ends included
  uint8_t high = 0;

  [[nodiscard]] bool reads(uint8_t byte) const {
    return rule == kBytes && low <= byte && byte <= high;
  }
  [[nodiscard]] bool calls() const { return rule >= 0; }
};

/// A nondeterministic automaton over bytes whose edges may call rules, and so itself: what a
/// pattern or a schema accepts. Immutable.
///
/// Every node leads to the end of its rule: what cannot end is left out when it is built. A called
/// rule reads at least one byte before it calls itself.
class Automaton {
 public:
  /// Calls that may be open at once when it is run, and so how deep a value may nest that a schema
  /// lets nest without end. Weak models otherwise nest on and on, as they write blanks.
  static constexpr int32_t kMaxDepth = 64;

  [[nodiscard]] size_t size() const { return heights_.size(); }
  [[nodiscard]] std::span<const Edge> edges(NodeId node) const {
    const auto n = static_cast<size_t>(node);
    return std::span(edges_).subspan(offsets_[n], offsets_[n + 1] - offsets_[n]);
  }
  [[nodiscard]] NodeId root() const { return rule_begin_[0]; }
  [[nodiscard]] NodeId begin_of(RuleId rule) const {
    return rule_begin_[static_cast<size_t>(rule)];
  }
  [[nodiscard]] bool ends_rule(NodeId node) const { return ends_[static_cast<size_t>(node)] != 0; }
  /// Calls that must at least be open at once on the way from the node to the end of its rule.
  [[nodiscard]] int32_t height(NodeId node) const { return heights_[static_cast<size_t>(node)]; }

  /// Bytes that no edge tells apart are of one class.
  [[nodiscard]] size_t classes() const { return class_bytes_.size(); }
  [[nodiscard]] size_t class_of(uint8_t byte) const { return class_of_[byte]; }
  [[nodiscard]] uint8_t byte_of(size_t byte_class) const { return class_bytes_[byte_class]; }

  /// A node from which the same texts of at most `longest` bytes can be read on: within a counted
  /// string those that are as far from both bounds as a token is long. Often the node itself.
  [[nodiscard]] NodeId representative(NodeId node, int64_t longest) const;

 private:
  friend class AutomatonBuilder;
  struct Chain {
    NodeId first = 0;
    int64_t block = 0;
    int64_t min = 0;
    int64_t max = 0;
  };
  std::vector<Edge> edges_;
  std::vector<size_t> offsets_;  // of the edges of each node, one more at the end
  std::vector<int32_t> heights_;
  std::vector<uint8_t> ends_;
  std::vector<NodeId> rule_begin_;
  std::vector<Chain> chains_;  // ascending, disjoint
  std::array<uint8_t, 256> class_of_{};
  std::vector<uint8_t> class_bytes_;
};

/// Builds an automaton. Once it is full, nothing more is added: what builds loops asks `full` in
/// between, and `finish` fails.
class AutomatonBuilder {
 public:
  static constexpr size_t kMaxNodes = size_t{1} << 20;
  static constexpr size_t kEdgesPerNode = 4;  ///< on average, at most
  static constexpr int64_t kNoMaximum = std::numeric_limits<int64_t>::max();

  explicit AutomatonBuilder(size_t max_nodes = kMaxNodes) : max_nodes_(max_nodes) {}

  NodeId add_node();
  void add_bytes(NodeId from, uint8_t low, uint8_t high, NodeId to);
  void add_byte(NodeId from, uint8_t byte, NodeId to) { add_bytes(from, byte, byte, to); }
  void add_nothing(NodeId from, NodeId to) { add(from, {.to = to, .rule = Edge::kNothing}); }
  void add_call(NodeId from, RuleId rule, NodeId to) { add(from, {.to = to, .rule = rule}); }
  /// These bytes one after another; the node behind them.
  NodeId add_text(NodeId from, std::string_view bytes);

  /// A rule; the first one is the root. `place` is for messages.
  RuleId add_rule(std::string place);
  [[nodiscard]] NodeId begin_of(RuleId rule) const { return rules_[at(rule)].begin; }
  [[nodiscard]] NodeId end_of(RuleId rule) const { return rules_[at(rule)].end; }

  /// Says that from `first` on there are blocks of `block` nodes, alike but for what they lead to:
  /// block i is where i of the characters counted from `min` to `max` were read.
  void mark_counted(NodeId first, int64_t block, int64_t min, int64_t max);

  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] size_t max_nodes() const { return max_nodes_; }

  /// Errors: kExhausted - full, or a root whose shortest text needs more than kMaxDepth open calls;
  ///         kInvalidArgument - a rule that calls itself before it reads a byte,
  /// or a root that no text satisfies.
  Result<Automaton> finish() &&;

 private:
  struct Rule {
    std::string place;
    NodeId begin = 0;
    NodeId end = 0;
  };
  struct From {
    NodeId from = 0;
    Edge edge;
  };
  static size_t at(RuleId rule) { return static_cast<size_t>(rule); }
  void add(NodeId from, Edge edge);
  void sort_edges(Automaton& out) const;
  [[nodiscard]] Result<Ok> check_recursion(const Automaton& whole) const;
  static std::vector<int32_t> heights(const Automaton& whole);
  static void keep_what_ends(Automaton& out);
  static void classify_bytes(Automaton& out);

  size_t max_nodes_;
  size_t nodes_ = 0;
  bool full_ = false;
  std::vector<From> edges_;
  std::vector<Rule> rules_;
  std::vector<Automaton::Chain> chains_;
};

}  // namespace cupel::decode::constraint
