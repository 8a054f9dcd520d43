#include "rank/methods/registry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "rank/connectivity.h"

namespace cupel::rank {

namespace method {
#define CUPEL_RATING(id) RatingMethod id();
#include "rank/methods/registry.def"
#undef CUPEL_RATING
}  // namespace method

namespace {

Result<Ok> check_setting(const RatingMethod& method, const RatingOptions::Setting& setting) {
  std::vector<std::string> names;
  for (const RatingParameter& parameter : method.parameters) {
    if (parameter.name != setting.name) {
      names.emplace_back(parameter.name);
      continue;
    }
    if (setting.value >= parameter.low && setting.value <= parameter.high) {
      return Ok{};
    }
    return invalid_argument("{}: {} is {:g}; it must lie in [{:g}, {:g}]", method.name,
                            parameter.name, setting.value, parameter.low, parameter.high);
  }
  return invalid_argument("{} has no parameter \"{}\"{}; it has: {}", method.name, setting.name,
                          did_you_mean(setting.name, names),
                          names.empty() ? "none" : join(names, ", "));
}

}  // namespace

std::span<const RatingMethod> rating_methods() {
  static const std::array methods = {
#define CUPEL_RATING(id) method::id(),
#include "rank/methods/registry.def"
#undef CUPEL_RATING
  };
  return methods;
}

Result<const RatingMethod*> find_rating_method(std::string_view name) {
  std::string wanted(name);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  std::vector<std::string> names;
  for (const RatingMethod& method : rating_methods()) {
    if (method.name == wanted) {
      return &method;
    }
    names.emplace_back(method.name);
  }
  return invalid_argument("no rating method \"{}\"{}; there are: {}", name,
                          did_you_mean(wanted, names), join(names, ", "));
}

double setting(std::span<const RatingParameter> parameters,
               const RatingOptions& options,
               std::string_view name) {
  for (const RatingOptions::Setting& setting : options.settings) {
    if (setting.name == name) {
      return setting.value;
    }
  }
  for (const RatingParameter& parameter : parameters) {
    if (parameter.name == name) {
      return parameter.value;
    }
  }
  CUPEL_CHECK(false, "a method reads a parameter that it does not declare");
  return 0;
}

Result<Ok> check_settings(const RatingMethod& method,
                          std::span<const RatingOptions::Setting> settings) {
  for (const RatingOptions::Setting& setting : settings) {
    CUPEL_TRY_VOID(check_setting(method, setting));
  }
  return Ok{};
}

Result<Ratings> fit_ratings(const RatingMethod& method,
                            const BattleTable& table,
                            const RatingOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  CUPEL_TRY_VOID(check_settings(method, options.settings));
  if (method.order_dependent && table.pseudo_ties() > 0) {
    return invalid_argument("{} moves with each battle and cannot use pseudo-ties; leave them out",
                            method.name);
  }
  const std::vector<PairTotal> pairs = pair_totals(table);
  CUPEL_TRY_VOID(require_linked(table.models(), pairs));
  return method.fit({table, pairs}, options);
}

std::optional<double> log_odds(const RatingMethod& method,
                               const Ratings& ratings,
                               size_t i,
                               size_t j) {
  if (method.log_odds != nullptr) {
    return method.log_odds(ratings, i, j);
  }
  if (!ratings.preference.empty()) {
    return ratings.preference(i, j);
  }
  if (method.scale == RatingScale::kElo) {
    return (ratings.values[i] - ratings.values[j]) / kEloPerLogit;
  }
  return std::nullopt;
}

}  // namespace cupel::rank
