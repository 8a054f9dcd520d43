#include "numeric/graph_laplacian.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/dense.h"

namespace cupel::numeric {
namespace {

/// A circle of `nodes` and `more` random chords, weights between 0.1 and 2.1.
std::vector<GraphEdge> random_graph(int32_t nodes, int more, uint64_t seed) {
  Rng rng(seed);
  std::vector<GraphEdge> edges;
  for (int32_t i = 0; i < nodes; ++i) {
    edges.push_back({i, (i + 1) % nodes, 0.1 + 2 * rng.unit()});
  }
  for (int k = 0; k < more; ++k) {
    const auto a = static_cast<int32_t>(rng.below(static_cast<uint64_t>(nodes)));
    const auto step = 2 + static_cast<int32_t>(rng.below(static_cast<uint64_t>(nodes) - 4));
    edges.push_back({a, (a + step) % nodes, 0.1 + 2 * rng.unit()});
  }
  return edges;
}

Matrix dense(const std::vector<GraphEdge>& edges, size_t nodes, double ridge) {
  Matrix out(nodes, nodes);
  for (size_t i = 0; i < nodes; ++i) {
    out(i, i) = ridge;
  }
  for (const GraphEdge& edge : edges) {
    const auto a = static_cast<size_t>(edge.a);
    const auto b = static_cast<size_t>(edge.b);
    out(a, a) += edge.weight;
    out(b, b) += edge.weight;
    out(a, b) -= edge.weight;
    out(b, a) -= edge.weight;
  }
  return out;
}

TEST(GraphLaplacian, SolvesAsADenseMatrixDoes) {
  for (const double ridge : {0.0, 0.3}) {
    const auto edges = random_graph(60, 90, 3);
    const GraphLaplacian laplacian(60, edges, ridge);
    Rng rng(9);
    std::vector<double> right(60);
    double mean = 0;
    for (double& value : right) {
      value = rng.normal();
      mean += value / 60;
    }
    std::vector<double> x(60);
    ASSERT_TRUE(laplacian.solve(right, x).has_value());
    std::vector<double> image(60);
    laplacian.apply(x, image);
    for (size_t i = 0; i < 60; ++i) {
      EXPECT_NEAR(image[i], right[i] - (ridge == 0 ? mean : 0), 1e-8);
    }
  }
}

/// The diagonal of L⁺·M·L⁺ by dense algebra; 11ᵀ/n joins the null space without touching the rest.
std::vector<double> dense_diagonal(const std::vector<GraphEdge>& edges,
                                   std::span<const double> middle,
                                   size_t nodes,
                                   double ridge) {
  Matrix matrix = dense(edges, nodes, ridge);
  if (ridge == 0) {
    for (double& value : matrix.values()) {
      value += 1.0 / static_cast<double>(nodes);
    }
  }
  const auto factor = Cholesky::factor(matrix);
  EXPECT_TRUE(factor.has_value());
  const Matrix inverse = factor->inverse();
  std::vector<GraphEdge> inner = edges;
  for (size_t e = 0; e < inner.size(); ++e) {
    inner[e].weight = middle[e];
  }
  const Matrix whole = multiply(multiply(inverse, dense(inner, nodes, 0)), inverse);
  std::vector<double> diagonal;
  for (size_t i = 0; i < nodes; ++i) {
    diagonal.push_back(whole(i, i));
  }
  return diagonal;
}

TEST(GraphLaplacian, SandwichDiagonalIsThatOfTheDenseOne) {
  // A well knit graph, for which single precision is enough, and a bare circle, which needs double.
  for (const int chords : {600, 0}) {
    for (const double ridge : {0.0, 0.2}) {
      const auto edges = random_graph(120, chords, 5);
      Rng rng(2);
      std::vector<double> middle;
      for (size_t e = 0; e < edges.size(); ++e) {
        middle.push_back(rng.unit());
      }
      const GraphLaplacian laplacian(120, edges, ridge);
      const auto found = laplacian.sandwich_diagonal(middle, 2);
      ASSERT_TRUE(found.has_value()) << found.error().message;
      const auto expected = dense_diagonal(edges, middle, 120, ridge);
      for (size_t i = 0; i < 120; ++i) {
        EXPECT_NEAR((*found)[i] / expected[i], 1, chords > 0 ? 1e-4 : 1e-3) << chords << " " << i;
      }
    }
  }
}

TEST(GraphLaplacian, SaysWhenItDoesNotGetThere) {
  const auto edges = random_graph(200, 0, 1);
  const GraphLaplacian laplacian(200, edges, 0);
  std::vector<double> right(200);
  right[0] = 1;
  std::vector<double> x(200);
  const auto solved = laplacian.solve(right, x, {.max_iterations = 3});
  ASSERT_FALSE(solved.has_value());
  EXPECT_EQ(solved.error().code, Code::kDeadline);
}

}  // namespace
}  // namespace cupel::numeric
