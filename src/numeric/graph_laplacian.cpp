#include "numeric/graph_laplacian.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/thread_pool.h"
#include "numeric/vector_ops.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
// One body, compiled for each instruction set and chosen when the program is loaded. That is before
// the thread sanitizer has started, which crashes in the choice.
#define CUPEL_FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CUPEL_FOR_EACH_CPU
#endif

namespace cupel::numeric {
namespace {

/// Right-hand sides solved side by side: a row of them is two cache lines.
constexpr size_t kLanes = 16;
using Lanes = std::array<double, kLanes>;

void project(std::span<double> x) {
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  for (double& value : x) {
    value -= mean;
  }
}

Error stalled(int64_t iterations) {
  return deadline_passed(
      "conjugate gradients: no convergence in {} iterations; the models hang together by too few "
      "battles",
      iterations);
}

/// out[i] = diagonal[i]·x[i] − Σ_j weight_ij·x[j], all lanes of a node at once.
CUPEL_FOR_EACH_CPU void apply_lanes(size_t nodes,
                                    const size_t* begin,
                                    const int32_t* neighbours,
                                    const double* weights,
                                    const double* diagonal,
                                    const double* x,
                                    double* out) {
  for (size_t i = 0; i < nodes; ++i) {
    double sum[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sum[lane] = diagonal[i] * x[i * kLanes + lane];
    }
    for (size_t k = begin[i]; k < begin[i + 1]; ++k) {
      const double weight = weights[k];
      const double* other = x + static_cast<size_t>(neighbours[k]) * kLanes;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        sum[lane] -= weight * other[lane];
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      out[i * kLanes + lane] = sum[lane];
    }
  }
}

Lanes dot_lanes(std::span<const double> x, std::span<const double> y) {
  Lanes sum{};
  for (size_t i = 0; i < x.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sum[lane] += x[i + lane] * y[i + lane];
    }
  }
  return sum;
}

}  // namespace

GraphLaplacian::GraphLaplacian(size_t nodes, std::span<const GraphEdge> edges, double ridge)
    : ridge_(ridge),
      edges_(edges.begin(), edges.end()),
      diagonal_(nodes, ridge),
      begin_(nodes + 1),
      neighbours_(2 * edges.size()),
      weights_(2 * edges.size()) {
  for (const GraphEdge& edge : edges) {
    CUPEL_CHECK(edge.a != edge.b, "an edge joins two nodes");
    ++begin_[static_cast<size_t>(edge.a) + 1];
    ++begin_[static_cast<size_t>(edge.b) + 1];
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  for (const GraphEdge& edge : edges) {
    for (const auto& [from, to] : {std::pair(edge.a, edge.b), std::pair(edge.b, edge.a)}) {
      const size_t place = next[static_cast<size_t>(from)]++;
      neighbours_[place] = to;
      weights_[place] = edge.weight;
      diagonal_[static_cast<size_t>(from)] += edge.weight;
    }
  }
}

void GraphLaplacian::apply(std::span<const double> x, std::span<double> out) const {
  for (size_t i = 0; i < nodes(); ++i) {
    double sum = diagonal_[i] * x[i];
    for (size_t k = begin_[i]; k < begin_[i + 1]; ++k) {
      sum -= weights_[k] * x[static_cast<size_t>(neighbours_[k])];
    }
    out[i] = sum;
  }
}

Result<Ok> GraphLaplacian::solve(std::span<const double> right,
                                 std::span<double> out,
                                 const SolveOptions& options) const {
  const size_t n = nodes();
  CUPEL_CHECK(right.size() == n && out.size() == n, "vectors of a solve have one entry per node");
  std::vector<double> residual(right.begin(), right.end());
  if (ridge_ == 0) {
    project(residual);
  }
  const double goal = options.relative_tolerance * std::sqrt(dot(residual, residual));
  std::fill(out.begin(), out.end(), 0.0);
  std::vector<double> scaled(n);
  std::vector<double> direction(n);
  std::vector<double> image(n);
  double energy = 0;
  for (int64_t iteration = 0;; ++iteration) {
    const double norm = std::sqrt(dot(residual, residual));
    if (norm <= goal) {
      break;
    }
    if (!std::isfinite(norm)) {
      return failed_precondition("conjugate gradients: values are not finite");
    }
    if (iteration == options.max_iterations) {
      return stalled(iteration);
    }
    for (size_t i = 0; i < n; ++i) {
      scaled[i] = residual[i] / diagonal_[i];
    }
    const double next_energy = dot(residual, scaled);
    const double keep = iteration == 0 ? 0.0 : next_energy / energy;
    energy = next_energy;
    for (size_t i = 0; i < n; ++i) {
      direction[i] = scaled[i] + keep * direction[i];
    }
    apply(direction, image);
    const double length = energy / dot(direction, image);
    for (size_t i = 0; i < n; ++i) {
      out[i] += length * direction[i];
      residual[i] -= length * image[i];
    }
  }
  if (ridge_ == 0) {
    project(out);
  }
  return Ok{};
}

/// The columns first … first + count − 1 of the (pseudo-)inverse, `out` [nodes, kLanes].
Result<Ok> GraphLaplacian::solve_block(size_t first,
                                       size_t count,
                                       std::span<double> out,
                                       const SolveOptions& options) const {
  const size_t n = nodes();
  std::vector<double> residual(n * kLanes, ridge_ == 0 ? -1.0 / static_cast<double>(n) : 0.0);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    // Lanes beyond the last node repeat it.
    residual[(first + std::min(lane, count - 1)) * kLanes + lane] += 1;
  }
  std::fill(out.begin(), out.end(), 0.0);
  std::vector<double> direction(n * kLanes);
  std::vector<double> image(n * kLanes);
  std::vector<double> scaled(n * kLanes);
  Lanes energy{};
  Lanes goal = dot_lanes(residual, residual);
  for (double& value : goal) {
    value *= options.relative_tolerance * options.relative_tolerance;
  }
  for (int64_t iteration = 0;; ++iteration) {
    const Lanes norm = dot_lanes(residual, residual);
    const bool done = std::equal(norm.begin(), norm.end(), goal.begin(), std::less_equal<>());
    if (done) {
      break;
    }
    if (iteration == options.max_iterations) {
      return stalled(iteration);
    }
    for (size_t i = 0; i < n; ++i) {
      const double inverse = 1 / diagonal_[i];
      for (size_t lane = 0; lane < kLanes; ++lane) {
        scaled[i * kLanes + lane] = residual[i * kLanes + lane] * inverse;
      }
    }
    const Lanes next = dot_lanes(residual, scaled);
    Lanes keep{};
    for (size_t lane = 0; lane < kLanes; ++lane) {
      keep[lane] = energy[lane] > 0 ? next[lane] / energy[lane] : 0.0;
    }
    energy = next;
    for (size_t i = 0; i < n * kLanes; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        direction[i + lane] = scaled[i + lane] + keep[lane] * direction[i + lane];
      }
    }
    apply_lanes(n, begin_.data(), neighbours_.data(), weights_.data(), diagonal_.data(),
                direction.data(), image.data());
    const Lanes bend = dot_lanes(direction, image);
    Lanes length{};
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (!std::isfinite(bend[lane])) {
        return failed_precondition("conjugate gradients: values are not finite");
      }
      length[lane] = bend[lane] > 0 ? energy[lane] / bend[lane] : 0.0;
    }
    for (size_t i = 0; i < n * kLanes; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        out[i + lane] += length[lane] * direction[i + lane];
        residual[i + lane] -= length[lane] * image[i + lane];
      }
    }
  }
  return Ok{};
}

Result<std::vector<double>> GraphLaplacian::sandwich_diagonal(std::span<const double> middle,
                                                              size_t threads,
                                                              const SolveOptions& options) const {
  CUPEL_CHECK(middle.size() == edges_.size(), "one middle weight per edge");
  std::vector<double> diagonal(nodes());
  std::mutex lock;
  std::optional<Error> failure;
  ThreadPool pool(std::max<size_t>(threads, 1));
  pool.for_each_chunk(nodes(), kLanes, [&](size_t begin, size_t end) {
    std::vector<double> columns(nodes() * kLanes);
    const auto solved = solve_block(begin, end - begin, columns, options);
    if (!solved) {
      const std::lock_guard guard(lock);
      failure = solved.error();
      return;
    }
    Lanes sum{};
    for (size_t e = 0; e < edges_.size(); ++e) {
      const double* a = columns.data() + static_cast<size_t>(edges_[e].a) * kLanes;
      const double* b = columns.data() + static_cast<size_t>(edges_[e].b) * kLanes;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const double gap = a[lane] - b[lane];
        sum[lane] += middle[e] * gap * gap;
      }
    }
    std::copy_n(sum.begin(), end - begin, diagonal.begin() + static_cast<std::ptrdiff_t>(begin));
  });
  if (failure) {
    return *failure;
  }
  return diagonal;
}

}  // namespace cupel::numeric
