#pragma once

#include <vector>

#include "rank/battle_table.h"

namespace cupel::rank {

/// How many equal clusters the votes are worth: (Σ n)²/Σ n², n the weight of a cluster's votes. Of
/// G clusters of one size it is G; of one that cast nearly all it is little more than 1.
struct EffectiveClusters {
  std::vector<double> models;  ///< [M] of the votes on each model; 0: it has none
  double all = 0;              ///< of all votes
};

/// A battle without a cluster is one of its own.   Cost: O(rows).
/// Source: Kish 1965, "Survey Sampling", section 11.7; as degrees of freedom: Carter, Schnepel &
///         Steigerwald 2017, "Asymptotic behavior of a t-test robust to cluster heterogeneity".
EffectiveClusters effective_clusters(const BattleTable& table);

/// What the critical value `normal` ≥ 0 of a normal estimate (1.96 for an interval at 95%) becomes
/// where the variance is a sum over so few clusters: √(K/(K−1))·t, t the value that Student's t
/// with K − 1 degrees of freedom exceeds as seldom. +∞ below two clusters: nothing is known of the
/// spread.
///
/// Source: Cameron & Miller 2015, "A practitioner's guide to cluster-robust inference", section VI:
///         the factor of CR1 (maximum likelihood: without the one of the parameters) and t with
///         G − 1; K instead of G where clusters differ in size.
double few_cluster_critical(double normal, double clusters);

}  // namespace cupel::rank
