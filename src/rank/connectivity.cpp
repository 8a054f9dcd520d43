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

/// Edges go from whoever took at least part of a point to whom it was taken from.
Graph took_points_graph(size_t models, std::span<const PairTotal> pairs) {
  Graph graph;
  graph.begin.assign(models + 1, 0);
  const auto each_edge = [&](auto body) {
    for (const PairTotal& pair : pairs) {
      if (pair.won > 0) {
        body(static_cast<size_t>(pair.a), pair.b);
      }
      if (pair.won < pair.mass) {
        body(static_cast<size_t>(pair.b), pair.a);
      }
    }
  };
  each_edge([&](size_t from, int32_t /*to*/) { ++graph.begin[from + 1]; });
  std::partial_sum(graph.begin.begin(), graph.begin.end(), graph.begin.begin());
  graph.targets.resize(graph.begin.back());
  std::vector<size_t> next(graph.begin.begin(), graph.begin.end() - 1);
  each_edge([&](size_t from, int32_t to) { graph.targets[next[from]++] = to; });
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

std::string quoted_names(const NameIndex& models, const std::vector<int32_t>& group) {
  constexpr size_t kMost = 5;
  std::vector<std::string> names;
  for (const int32_t model : group) {
    names.push_back(models.name(model));
  }
  std::sort(names.begin(), names.end());
  const size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  for (std::string& name : names) {
    name = "\"" + excerpt(name, 60) + "\"";
  }
  return join(names, ", ") + (more > 0 ? format(" and {} more", more) : "");
}

std::string others(const NameIndex& models, const std::vector<int32_t>& group) {
  const size_t count = models.size() - group.size();
  return format("the other {}", count == 1 ? "model" : format("{} models", count));
}

/// The smallest of some groups; equal sizes by name, so that the message does not depend on the row
/// order.
const std::vector<int32_t>& smallest(const NameIndex& models,
                                     const std::vector<std::vector<int32_t>>& groups) {
  return *std::min_element(groups.begin(), groups.end(), [&](const auto& x, const auto& y) {
    return x.size() != y.size() ? x.size() < y.size()
                                : quoted_names(models, x) < quoted_names(models, y);
  });
}

/// Groups from the largest down, at most five of them.
std::string listed_groups(const NameIndex& models, std::vector<std::vector<int32_t>> groups) {
  constexpr size_t kMost = 5;
  std::sort(groups.begin(), groups.end(), [&](const auto& x, const auto& y) {
    return x.size() != y.size() ? x.size() > y.size()
                                : quoted_names(models, x) < quoted_names(models, y);
  });
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(groups.size(), kMost); ++i) {
    texts.push_back(quoted_names(models, groups[i]));
  }
  return join(texts, "; ") +
         (groups.size() > kMost ? format("; and {} more groups", groups.size() - kMost) : "");
}

Error unlinked(const NameIndex& models, const Connectivity& links) {
  return failed_precondition(
      "ratings cannot be compared: {}; add battles that link them, or rank the groups apart",
      describe_separation(models, links));
}

}  // namespace

Connectivity connectivity(size_t models, std::span<const PairTotal> pairs) {
  const Graph graph = took_points_graph(models, pairs);
  return {.groups = StrongGroups(graph).find(), .islands = find_islands(graph)};
}

Connectivity connectivity(const BattleTable& table) {
  return connectivity(table.model_count(), pair_totals(table));
}

std::string describe_separation(const NameIndex& models, const Connectivity& connectivity) {
  if (connectivity.islands.size() > 2) {
    return format("no battle links these groups: {}", listed_groups(models, connectivity.islands));
  }
  if (connectivity.islands.size() > 1) {
    const auto& island = smallest(models, connectivity.islands);
    return format("no battle links {} with {}", quoted_names(models, island),
                  others(models, island));
  }
  if (connectivity.groups.size() < 2) {
    return {};
  }
  // Sources and sinks may be several; the first group is a source and the last a sink for certain.
  const auto& first = connectivity.groups.front();
  const auto& last = connectivity.groups.back();
  if (first.size() < last.size()) {
    return format("{} was never beaten or tied by {}", quoted_names(models, first),
                  others(models, first));
  }
  return format("{} never beat or tied {}", quoted_names(models, last), others(models, last));
}

std::string describe_prior_ratings(const NameIndex& models, const Connectivity& connectivity) {
  const auto& groups = connectivity.groups;
  if (groups.size() < 2) {
    return {};
  }
  const auto largest =
      std::max_element(groups.begin(), groups.end(),
                       [](const auto& x, const auto& y) { return x.size() < y.size(); });
  if (largest->size() < 2) {
    return "all ratings, intervals and ranks rest on the prior (ridge or pseudo-ties): votes alone "
           "set no "
           "finite distance between any two models";
  }
  std::vector<int32_t> outside;
  for (auto group = groups.begin(); group != groups.end(); ++group) {
    if (group != largest) {
      outside.insert(outside.end(), group->begin(), group->end());
    }
  }
  return format(
      "the ratings, intervals and ranks of {} rest on the prior (ridge or pseudo-ties): votes "
      "alone set "
      "no "
      "finite distance from {}",
      quoted_names(models, outside), others(models, outside));
}

Result<Ok> require_linked(const NameIndex& names, std::span<const PairTotal> pairs) {
  const Connectivity links = connectivity(names.size(), pairs);
  return links.islands.size() < 2 ? Result<Ok>(Ok{}) : unlinked(names, links);
}

Result<Ok> require_one_group(const NameIndex& names,
                             std::span<const PairTotal> pairs,
                             std::string_view consequence,
                             std::string_view mend) {
  const Connectivity links = connectivity(names.size(), pairs);
  if (links.islands.size() > 1) {
    return unlinked(names, links);
  }
  if (links.groups.size() < 2) {
    return Ok{};
  }
  return failed_precondition("{}: {}; {}", consequence, describe_separation(names, links), mend);
}

Result<Ok> require_finite_strengths(const NameIndex& names, std::span<const PairTotal> pairs) {
  return require_one_group(
      names, pairs, "ratings would be infinite",
      "add battles that decide between them, or ask for a prior (ridge or pseudo-ties)");
}

namespace {

/// One constraint v[to] ≤ v[from] + length, in units of the margin.
struct Difference {
  size_t from = 0;
  size_t to = 0;
  int32_t length = 0;
};

std::vector<Difference> tie_constraints(std::span<const PairTotal> pairs) {
  std::vector<Difference> result;
  for (const PairTotal& pair : pairs) {
    const auto a = static_cast<size_t>(pair.a);
    const auto b = static_cast<size_t>(pair.b);
    if (pair.wins_a() > 0) {
      result.push_back({a, b, -1});
    }
    if (pair.wins_b() > 0) {
      result.push_back({b, a, -1});
    }
    if (pair.tied > 0) {
      result.push_back({a, b, 1});
      result.push_back({b, a, 1});
    }
  }
  return result;
}

/// Bellman and Ford: whether some circle has a negative length.
bool has_negative_circle(size_t nodes, const std::vector<Difference>& edges) {
  std::vector<int64_t> length(nodes);
  for (size_t pass = 0; pass < nodes; ++pass) {
    bool changed = false;
    for (const Difference& edge : edges) {
      const int64_t shorter = length[edge.from] + edge.length;
      if (shorter < length[edge.to]) {
        length[edge.to] = shorter;
        changed = true;
      }
    }
    if (!changed) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<Ok> require_finite_tie_strengths(const NameIndex& names, std::span<const PairTotal> pairs) {
  CUPEL_TRY_VOID(require_finite_strengths(names, pairs));
  const bool mutual = std::any_of(pairs.begin(), pairs.end(), [](const PairTotal& pair) {
    return pair.wins_a() > 0 && pair.wins_b() > 0;
  });
  const bool ties =
      std::any_of(pairs.begin(), pairs.end(), [](const PairTotal& p) { return p.tied > 0; });
  if (!ties || mutual || has_negative_circle(names.size(), tie_constraints(pairs))) {
    return Ok{};
  }
  return failed_precondition(
      "ratings would be infinite: too many ties between too few wins, so that ever wider margins "
      "fit ever better; add battles, or count ties as half wins (method bradley-terry)");
}

Result<Ok> require_finite_tie_parameter(std::span<const PairTotal> pairs) {
  const bool decided = std::any_of(pairs.begin(), pairs.end(), [](const PairTotal& pair) {
    return pair.wins_a() > 0 || pair.wins_b() > 0;
  });
  if (decided) {
    return Ok{};
  }
  return failed_precondition(
      "there are ties alone, so that equals would always tie; count ties as half wins (method "
      "bradley-terry)");
}

}  // namespace cupel::rank
