#include "decode/constraint/automaton.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <unordered_set>
#include <utility>

#include "base/error.h"

namespace cupel::decode::constraint {
namespace {

constexpr int32_t kNeverEnds = std::numeric_limits<int32_t>::max();

/// Shortest ways to the end of a rule, where a way is as long as the calls that are open at once on
/// it: Dijkstra's order, so that each node is settled once. An edge that calls counts when both its
/// end and the rule are settled.
class HeightSearch {
 public:
  explicit HeightSearch(const Automaton& automaton, size_t rules)
      : automaton_(automaton),
        heights_(automaton.size(), kNeverEnds),
        rule_heights_(rules, kNeverEnds),
        waiting_(rules),
        incoming_(automaton.size()),
        begins_(automaton.size(), -1) {
    for (size_t i = 0; i < automaton.size(); ++i) {
      for (const Edge& edge : automaton.edges(static_cast<NodeId>(i))) {
        ++incoming_[static_cast<size_t>(edge.to)].count;
      }
    }
    size_t total = 0;
    for (Incoming& in : incoming_) {
      in.begin = total;
      total += std::exchange(in.count, 0);
    }
    sources_.resize(total);
    for (size_t i = 0; i < automaton.size(); ++i) {
      for (const Edge& edge : automaton.edges(static_cast<NodeId>(i))) {
        Incoming& in = incoming_[static_cast<size_t>(edge.to)];
        sources_[in.begin + in.count++] = {static_cast<NodeId>(i), edge.rule};
      }
    }
    for (size_t r = 0; r < rules; ++r) {
      begins_[static_cast<size_t>(automaton.begin_of(static_cast<RuleId>(r)))] =
          static_cast<RuleId>(r);
    }
  }

  std::vector<int32_t> run() {
    for (size_t i = 0; i < automaton_.size(); ++i) {
      if (automaton_.ends_rule(static_cast<NodeId>(i))) {
        reach(static_cast<NodeId>(i), 0);
      }
    }
    while (!levels_.empty()) {
      const auto level = levels_.begin();
      if (level->second.empty()) {
        levels_.erase(level);
        continue;
      }
      const NodeId node = level->second.back();
      level->second.pop_back();
      settle(node, level->first);
    }
    return std::move(heights_);
  }

 private:
  struct Incoming {
    size_t begin = 0;
    size_t count = 0;
  };
  struct Source {
    NodeId from = 0;
    RuleId rule = 0;
  };
  struct Waiting {
    NodeId from = 0;
    int32_t height = 0;
  };

  void reach(NodeId node, int32_t height) {
    if (heights_[static_cast<size_t>(node)] == kNeverEnds) {
      levels_[height].push_back(node);
    }
  }

  void settle(NodeId node, int32_t height) {
    int32_t& own = heights_[static_cast<size_t>(node)];
    if (own != kNeverEnds) {
      return;
    }
    own = height;
    const Incoming& in = incoming_[static_cast<size_t>(node)];
    for (size_t i = in.begin; i < in.begin + in.count; ++i) {
      const Source& source = sources_[i];
      if (source.rule < 0) {
        reach(source.from, height);
      } else if (const int32_t inner = rule_heights_[static_cast<size_t>(source.rule)];
                 inner != kNeverEnds) {
        reach(source.from, std::max(height, inner + 1));
      } else {
        waiting_[static_cast<size_t>(source.rule)].push_back({source.from, height});
      }
    }
    if (const RuleId rule = begins_[static_cast<size_t>(node)]; rule >= 0) {
      rule_heights_[static_cast<size_t>(rule)] = height;
      for (const Waiting& w : waiting_[static_cast<size_t>(rule)]) {
        reach(w.from, std::max(w.height, height + 1));
      }
    }
  }

  const Automaton& automaton_;
  std::vector<int32_t> heights_;
  std::vector<int32_t> rule_heights_;
  std::vector<std::vector<Waiting>> waiting_;  // per rule: edges that call it
  std::vector<Incoming> incoming_;
  std::vector<Source> sources_;
  std::vector<RuleId> begins_;  // per node: the rule that begins there, or -1
  std::map<int32_t, std::vector<NodeId>> levels_;
};

/// Rules that a rule calls before it reads a byte.
std::vector<RuleId> first_calls(const Automaton& automaton, RuleId rule) {
  std::vector<RuleId> called;
  std::vector<NodeId> open = {automaton.begin_of(rule)};
  std::unordered_set<NodeId> seen(open.begin(), open.end());
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    for (const Edge& edge : automaton.edges(node)) {
      if (edge.calls()) {
        called.push_back(edge.rule);
      } else if (edge.rule == Edge::kNothing && seen.insert(edge.to).second) {
        open.push_back(edge.to);
      }
    }
  }
  std::sort(called.begin(), called.end());
  called.erase(std::unique(called.begin(), called.end()), called.end());
  return called;
}

}  // namespace

NodeId Automaton::representative(NodeId node, int64_t longest) const {
  const auto after = std::upper_bound(chains_.begin(), chains_.end(), node,
                                      [](NodeId n, const Chain& c) { return n < c.first; });
  if (after == chains_.begin()) {
    return node;
  }
  const Chain& chain = *std::prev(after);
  const int64_t index = (node - chain.first) / chain.block;
  const auto block = [&](int64_t i) {
    return static_cast<NodeId>(node - (index - i) * chain.block);
  };
  if (index < chain.min) {
    return longest < chain.min - index ? block(0) : node;
  }
  return chain.max != AutomatonBuilder::kNoMaximum && longest < chain.max - index ? block(chain.min)
                                                                                  : node;
}

NodeId AutomatonBuilder::add_node() {
  if (nodes_ >= max_nodes_) {
    full_ = true;
    return static_cast<NodeId>(nodes_ - 1);
  }
  return static_cast<NodeId>(nodes_++);
}

void AutomatonBuilder::add(NodeId from, Edge edge) {
  if (edges_.size() >= kEdgesPerNode * max_nodes_) {
    full_ = true;
  }
  if (!full_) {
    edges_.push_back({from, edge});
  }
}

void AutomatonBuilder::add_bytes(NodeId from, uint8_t low, uint8_t high, NodeId to) {
  add(from, {.to = to, .rule = Edge::kBytes, .low = low, .high = high});
}

NodeId AutomatonBuilder::add_text(NodeId from, std::string_view bytes) {
  for (const char byte : bytes) {
    const NodeId next = add_node();
    add_byte(from, static_cast<uint8_t>(byte), next);
    from = next;
  }
  return from;
}

RuleId AutomatonBuilder::add_rule(std::string place) {
  const NodeId begin = add_node();
  const NodeId end = add_node();
  rules_.push_back({.place = std::move(place), .begin = begin, .end = end});
  return static_cast<RuleId>(rules_.size() - 1);
}

void AutomatonBuilder::mark_counted(NodeId first, int64_t block, int64_t min, int64_t max) {
  if (!full_) {
    chains_.push_back({.first = first, .block = block, .min = min, .max = max});
    // Nodes behind the chain belong to none.
    chains_.push_back({.first = static_cast<NodeId>(nodes_), .block = 1, .max = kNoMaximum});
  }
}

void AutomatonBuilder::sort_edges(Automaton& out) const {
  out.offsets_.assign(nodes_ + 1, 0);
  for (const From& e : edges_) {
    ++out.offsets_[static_cast<size_t>(e.from) + 1];
  }
  for (size_t i = 0; i < nodes_; ++i) {
    out.offsets_[i + 1] += out.offsets_[i];
  }
  out.edges_.resize(edges_.size());
  std::vector<size_t> next(out.offsets_.begin(), out.offsets_.end() - 1);
  for (const From& e : edges_) {
    out.edges_[next[static_cast<size_t>(e.from)]++] = e.edge;
  }
}

// A depth-first walk over "calls before it reads"; what is still open is met again on a circle.
Result<Ok> AutomatonBuilder::check_recursion(const Automaton& whole) const {
  enum class Mark : uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(rules_.size(), Mark::kNew);
  struct Level {
    RuleId rule = 0;
    std::vector<RuleId> rest;
  };
  for (size_t start = 0; start < rules_.size(); ++start) {
    std::vector<Level> path;
    const auto enter = [&](RuleId rule) {
      marks[at(rule)] = Mark::kOpen;
      path.push_back({rule, first_calls(whole, rule)});
    };
    if (marks[start] == Mark::kNew) {
      enter(static_cast<RuleId>(start));
    }
    while (!path.empty()) {
      if (path.back().rest.empty()) {
        marks[at(path.back().rule)] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const RuleId called = path.back().rest.back();
      path.back().rest.pop_back();
      if (marks[at(called)] == Mark::kOpen) {
        return invalid_argument(
            "{}: this schema refers to itself without anything in between, so that it describes "
            "nothing; let the circle of $ref pass through a property or an item",
            rules_[at(called)].place);
      }
      if (marks[at(called)] == Mark::kNew) {
        enter(called);
      }
    }
  }
  return Ok{};
}

// Edges that lead to where nothing ends go, and those into rules that cannot end.
void AutomatonBuilder::keep_what_ends(Automaton& out) {
  size_t kept = 0;
  size_t begin = 0;
  for (size_t node = 0; node < out.size(); ++node) {
    const size_t end = out.offsets_[node + 1];
    for (size_t i = begin; i < end; ++i) {
      const Edge& edge = out.edges_[i];
      const bool ends = out.height(edge.to) != kNeverEnds &&
                        (!edge.calls() || out.height(out.begin_of(edge.rule)) != kNeverEnds);
      if (ends) {
        out.edges_[kept++] = edge;
      }
    }
    begin = end;
    out.offsets_[node + 1] = kept;
  }
  out.edges_.resize(kept);
}

void AutomatonBuilder::classify_bytes(Automaton& out) {
  std::bitset<257> begins;
  begins.set(0);
  for (const Edge& edge : out.edges_) {
    if (edge.rule == Edge::kBytes) {
      begins.set(edge.low);
      begins.set(static_cast<size_t>(edge.high) + 1);
    }
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    if (begins.test(byte)) {
      out.class_bytes_.push_back(static_cast<uint8_t>(byte));
    }
    out.class_of_[byte] = static_cast<uint8_t>(out.class_bytes_.size() - 1);
  }
}

Result<Automaton> AutomatonBuilder::finish() && {
  if (full_) {
    return exhausted(
        "the constraint needs an automaton of more than {} nodes; lower its repetition counts or "
        "its lengths",
        max_nodes_);
  }
  Automaton out;
  sort_edges(out);
  out.ends_.assign(nodes_, 0);
  out.heights_.assign(nodes_, 0);
  for (const Rule& rule : rules_) {
    out.rule_begin_.push_back(rule.begin);
    out.ends_[static_cast<size_t>(rule.end)] = 1;
  }
  CUPEL_TRY_VOID(check_recursion(out));
  out.heights_ = HeightSearch(out, rules_.size()).run();
  if (out.height(out.root()) == kNeverEnds) {
    return invalid_argument("{}: no text satisfies this constraint", rules_.front().place);
  }
  if (out.height(out.root()) > Automaton::kMaxDepth) {
    return exhausted("{}: references are nested more than {} deep", rules_.front().place,
                     Automaton::kMaxDepth);
  }
  keep_what_ends(out);
  classify_bytes(out);
  out.chains_ = std::move(chains_);
  return out;
}

}  // namespace cupel::decode::constraint
