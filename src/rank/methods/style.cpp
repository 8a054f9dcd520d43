// Bradley-Terry with features of the answers (Chatbot Arena's style control): the rating is what is
// left of a win rate when length and markup are taken into account.
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "rank/connectivity.h"
#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank::method {
namespace {

constexpr std::array kParameters = {
    kRidgeParameter,
    RatingParameter{.name = "feature_ridge",
                    .value = 0,
                    .low = 0,
                    .high = 1e9,  // where others penalise the mean loss, here stands votes·lambda
                    .summary = "penalty 0.5*feature_ridge*|gamma|^2 on the summed loss"},
    RatingParameter{.name = "sample_sd",
                    .value = 0,
                    .low = 0,
                    .high = 1,
                    .summary = "1: features are divided by the n-1 standard deviation, 0: by the "
                               "population's"}};

/// Mean and spread of one feature over all battles.
struct Scale {
  double mean = 0;
  double deviation = 1;
};

Result<Scale> scale_of(const BattleTable& table, size_t feature, bool sample_sd) {
  double count = 0;
  double mean = 0;
  double squares = 0;
  for (size_t i = 0; i < table.rows(); ++i) {
    const auto times = static_cast<double>(table.row(i).count);
    if (times > 0) {  // weighted Welford
      count += times;
      const double gap = static_cast<double>(table.features(i)[feature]) - mean;
      mean += gap * times / count;
      squares += times * gap * (static_cast<double>(table.features(i)[feature]) - mean);
    }
  }
  const double degrees = sample_sd ? count - 1 : count;
  const double deviation = std::sqrt(squares / std::max(degrees, 1.0));
  if (!(deviation > 1e-12 * (1 + std::abs(mean)))) {
    return failed_precondition(
        "style feature \"{}\" is {:g} in every battle, so its effect cannot be told; leave it out",
        table.features().names[feature], mean);
  }
  return Scale{mean, deviation};
}

/// The standardised features of all rows [rows, K].
Result<std::vector<double>> standardised(const BattleTable& table, bool sample_sd) {
  const size_t k = table.features().names.size();
  std::vector<double> values(table.features().values.begin(), table.features().values.end());
  for (size_t feature = 0; feature < k; ++feature) {
    CUPEL_TRY(const Scale scale, scale_of(table, feature, sample_sd));
    for (size_t i = 0; i < table.rows(); ++i) {
      double& value = values[i * k + feature];
      value = (value - scale.mean) / scale.deviation;
    }
  }
  return values;
}

/// One item for each row: no two battles have the same features.
std::vector<PairTotal> items_of(const BattleTable& table) {
  std::vector<PairTotal> items(table.rows());
  for (size_t i = 0; i < items.size(); ++i) {
    const Battle battle = table.row(i);
    items[i].a = battle.a;
    items[i].b = battle.b;
    items[i].add(battle.outcome, battle.weight, static_cast<double>(battle.count));
  }
  return items;
}

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  const BattleTable& table = input.table;
  const double ridge = setting(kParameters, options, "ridge");
  if (table.features().names.empty()) {
    return fit_pairs(input, TieModel::kHalfWin, ridge, options);
  }
  if (ridge == 0) {
    CUPEL_TRY_VOID(require_finite_strengths(table.models(), input.pairs));
  }
  CUPEL_TRY(const std::vector<double> features,
            standardised(table, setting(kParameters, options, "sample_sd") == 1));
  const std::vector<PairTotal> items = items_of(table);
  LikelihoodProblem problem{
      .model = {.items = items,
                .features = features,
                .models = input.models(),
                .feature_count = table.features().names.size(),
                .ridge = ridge,
                .feature_ridge = setting(kParameters, options, "feature_ridge")},
      .feature_names = table.features().names,
      .covariance = options.covariance,
      .start = options.resample_of,
      .threads = options.threads};
  if (options.clustered && table.has_clusters()) {
    problem.moment = [&](const PairwiseObjective& objective, std::span<const double> x) {
      return clustered_score_moment(table, features, objective, x);
    };
  }
  return maximise_likelihood(problem);
}

}  // namespace

RatingMethod style() {
  return {
      .name = "style",
      .summary = "bradley_terry with features of the answers held equal (style control)",
      .source = "Chatbot Arena style control 2024; Dubois et al. 2024 (arXiv 2404.04475)",
      .formula = "P(i beats j) = σ(β_i − β_j + zᵀγ), z the standardised differences of the answers",
      .reads_rows = true,
      .needs_one_group = true,
      .has_covariance = true,
      .parameters = kParameters,
      .fit = &fit};
}

}  // namespace cupel::rank::method
