#include "rank/connectivity.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

/// A directed graph; edges of node v are targets[begin[v] .. begin[v + 1]).
struct Graph {
  std::vector<size_t> begin;
  std::vector<int32_t> targets;
};

using Edge = std::pair<int32_t, int32_t>;

/// Collects distinct edges: a bit per pair for few models, sorting for many.
class EdgeSet {
 public:
  explicit EdgeSet(size_t models) : models_(models) {
    constexpr size_t kMostDenseModels = 4096;  // 2 MiB of bits
    if (models <= kMostDenseModels) {
      seen_.assign(models * models, false);
    }
  }
  void add(int32_t from, int32_t to) {
    if (!seen_.empty()) {
      const size_t bit = static_cast<size_t>(from) * models_ + static_cast<size_t>(to);
      if (seen_[bit]) {
        return;
      }
      seen_[bit] = true;
    }
    edges_.emplace_back(from, to);
  }
  std::vector<Edge> take_sorted() {
    std::sort(edges_.begin(), edges_.end());
    edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
    return std::move(edges_);
  }

 private:
  size_t models_;
  std::vector<bool> seen_;
  std::vector<Edge> edges_;
};

Graph took_points_graph(const BattleTable& table) {
  EdgeSet edges(table.model_count());
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.count > 0 && battle.outcome > 0) {
      edges.add(battle.a, battle.b);
    }
    if (battle.count > 0 && battle.outcome < 1) {
      edges.add(battle.b, battle.a);
    }
  }
  Graph graph;
  graph.begin.assign(table.model_count() + 1, 0);
  for (const auto& [from, to] : edges.take_sorted()) {
    ++graph.begin[static_cast<size_t>(from) + 1];
    graph.targets.push_back(to);
  }
  std::partial_sum(graph.begin.begin(), graph.begin.end(), graph.begin.begin());
  return graph;
}

/// Tarjan's algorithm with its own stack (a chain of 10,000 models must not overflow the real one).
class StrongGroups {
 public:
  explicit StrongGroups(const Graph& graph)
      : graph_(graph),
        order_(nodes(), kUnseen),
        low_(nodes()),
        on_stack_(nodes()),
        next_edge_(graph.begin.begin(), graph.begin.end() - 1) {}

  /// Groups in the order in which their edges point: sources first.
  std::vector<std::vector<int32_t>> find() {
    for (size_t root = 0; root < nodes(); ++root) {
      if (order_[root] == kUnseen) {
        visit(root);
      }
    }
    std::reverse(groups_.begin(), groups_.end());
    return std::move(groups_);
  }

 private:
  static constexpr size_t kUnseen = static_cast<size_t>(-1);
  [[nodiscard]] size_t nodes() const { return graph_.begin.size() - 1; }

  void enter(size_t node) {
    order_[node] = low_[node] = counter_++;
    stack_.push_back(static_cast<int32_t>(node));
    on_stack_[node] = true;
    path_.push_back(node);
  }
  void visit(size_t root) {
    enter(root);
    while (!path_.empty()) {
      const size_t node = path_.back();
      if (next_edge_[node] < graph_.begin[node + 1]) {
        const auto target = static_cast<size_t>(graph_.targets[next_edge_[node]++]);
        if (order_[target] == kUnseen) {
          enter(target);
        } else if (on_stack_[target]) {
          low_[node] = std::min(low_[node], order_[target]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) {
        low_[path_.back()] = std::min(low_[path_.back()], low_[node]);
      }
      if (low_[node] == order_[node]) {
        close(node);
      }
    }
  }
  void close(size_t node) {
    std::vector<int32_t> group;
    do {
      group.push_back(stack_.back());
      on_stack_[static_cast<size_t>(stack_.back())] = false;
      stack_.pop_back();
    } while (group.back() != static_cast<int32_t>(node));
    std::sort(group.begin(), group.end());
    groups_.push_back(std::move(group));
  }

  const Graph& graph_;
  std::vector<size_t> order_;  // [nodes] order of discovery
  std::vector<size_t> low_;    // [nodes] earliest node reachable
  std::vector<bool> on_stack_;
  std::vector<size_t> next_edge_;
  std::vector<int32_t> stack_;
  std::vector<size_t> path_;
  std::vector<std::vector<int32_t>> groups_;
  size_t counter_ = 0;
};

std::vector<std::vector<int32_t>> find_islands(const Graph& graph) {
  const size_t nodes = graph.begin.size() - 1;
  std::vector<size_t> parent(nodes);
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t node) {
    while (parent[node] != node) {
      parent[node] = parent[parent[node]];
      node = parent[node];
    }
    return node;
  };
  for (size_t node = 0; node < nodes; ++node) {
    for (size_t edge = graph.begin[node]; edge < graph.begin[node + 1]; ++edge) {
      const size_t x = root(node);
      const size_t y = root(static_cast<size_t>(graph.targets[edge]));
      parent[std::max(x, y)] = std::min(x, y);
    }
  }
  std::vector<std::vector<int32_t>> islands(nodes);
  for (size_t node = 0; node < nodes; ++node) {
    islands[root(node)].push_back(static_cast<int32_t>(node));
  }
  std::erase_if(islands, [](const auto& island) { return island.empty(); });
  return islands;
}

std::string quoted_names(const BattleTable& table, const std::vector<int32_t>& group) {
  constexpr size_t kMost = 5;
  std::vector<std::string> names;
  for (const int32_t model : group) {
    names.push_back(table.models().name(model));
  }
  std::sort(names.begin(), names.end());
  const size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  for (std::string& name : names) {
    name = "\"" + excerpt(name, 60) + "\"";
  }
  return join(names, ", ") + (more > 0 ? format(" and {} more", more) : "");
}

std::string others(const BattleTable& table, const std::vector<int32_t>& group) {
  const size_t count = table.model_count() - group.size();
  return format("the other {}", count == 1 ? "model" : format("{} models", count));
}

/// The smallest of some groups; equal sizes by name, so that the message does not depend on the row
/// order.
const std::vector<int32_t>& smallest(const BattleTable& table,
                                     const std::vector<std::vector<int32_t>>& groups) {
  return *std::min_element(groups.begin(), groups.end(), [&](const auto& x, const auto& y) {
    return x.size() != y.size() ? x.size() < y.size()
                                : quoted_names(table, x) < quoted_names(table, y);
  });
}

Error unlinked(const BattleTable& table, const Connectivity& links) {
  return failed_precondition(
      "ratings cannot be compared: {}; add battles that link them, or rank the groups apart",
      describe_separation(table, links));
}

}  // namespace

Connectivity connectivity(const BattleTable& table) {
  const Graph graph = took_points_graph(table);
  return {.groups = StrongGroups(graph).find(), .islands = find_islands(graph)};
}

std::string describe_separation(const BattleTable& table, const Connectivity& connectivity) {
  if (connectivity.islands.size() > 1) {
    const auto& island = smallest(table, connectivity.islands);
    return format("no battle links {} with {}", quoted_names(table, island), others(table, island));
  }
  if (connectivity.groups.size() < 2) {
    return {};
  }
  // Sources and sinks may be several; the first group is a source and the last a sink for certain.
  const auto& first = connectivity.groups.front();
  const auto& last = connectivity.groups.back();
  if (first.size() < last.size()) {
    return format("{} was never beaten or tied by {}", quoted_names(table, first),
                  others(table, first));
  }
  return format("{} never beat or tied {}", quoted_names(table, last), others(table, last));
}

Result<Ok> require_linked(const BattleTable& table) {
  const Connectivity links = connectivity(table);
  return links.islands.size() < 2 ? Result<Ok>(Ok{}) : unlinked(table, links);
}

Result<Ok> require_finite_strengths(const BattleTable& table) {
  const Connectivity links = connectivity(table);
  if (links.islands.size() > 1) {
    return unlinked(table, links);
  }
  if (links.groups.size() < 2) {
    return Ok{};
  }
  return failed_precondition(
      "ratings would be infinite: {}; add battles that decide between them, or ask for a ridge",
      describe_separation(table, links));
}

}  // namespace cupel::rank
