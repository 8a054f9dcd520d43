#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace cupel::numeric {

/// A weighted undirected edge.
struct GraphEdge {
  int32_t a = 0;
  int32_t b = 0;
  double weight = 0;  ///< ≥ 0
};

struct SolveOptions {
  double relative_tolerance = 1e-10;  ///< of the residual's norm against the right-hand side's
  int64_t max_iterations = 10'000;
};

/// The matrix L = Σ w·ddᵀ + ridge·I, d = e_a − e_b, of a connected graph, held sparse: for as many
/// nodes as there is memory for edges (40 bytes each). Without a ridge L is singular along the
/// vector of ones: right-hand sides are projected to sum zero, and so are solutions.
class GraphLaplacian {
 public:
  /// Edges in any order, each pair once; a ≠ b.
  GraphLaplacian(size_t nodes, std::span<const GraphEdge> edges, double ridge);

  [[nodiscard]] size_t nodes() const { return diagonal_.size(); }
  /// out = L·x.
  void apply(std::span<const double> x, std::span<double> out) const;
  /// Solves L·out = right.
  ///
  /// Errors: kDeadline - max_iterations passed first (the graph hangs together by a thread);
  /// kFailedPrecondition - not finite. Source: conjugate gradients, Jacobi-preconditioned (Saad
  /// 2003, "Iterative Methods for Sparse Linear Systems", algorithm 9.1).
  Result<Ok> solve(std::span<const double> right,
                   std::span<double> out,
                   const SolveOptions& options = {}) const;

  /// The diagonal of L⁻¹·M·L⁻¹ (pseudo-inverses in the gauge of sum zero), M a Laplacian without
  /// ridge on the same edges with the weights `middle` [edges as given]: one solve per node, in
  /// blocks, on `threads` threads, right to about the tolerance. What a sandwich covariance has on
  /// its diagonal, when the whole would not fit. Errors: as solve.
  Result<std::vector<double>> sandwich_diagonal(std::span<const double> middle,
                                                size_t threads,
                                                const SolveOptions& options = {
                                                    .relative_tolerance = 1e-5}) const;

 private:
  Result<Ok> solve_block(size_t first,
                         size_t count,
                         std::span<double> out,
                         const SolveOptions& options) const;

  double ridge_ = 0;
  std::vector<GraphEdge> edges_;
  std::vector<double> diagonal_;     // [nodes]
  std::vector<size_t> begin_;        // [nodes + 1] into the next two
  std::vector<int32_t> neighbours_;  // [2·edges]
  std::vector<double> weights_;      // [2·edges]
};

}  // namespace cupel::numeric
