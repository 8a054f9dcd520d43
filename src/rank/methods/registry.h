#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "rank/methods/method.h"

namespace cupel::rank {

/// All methods of registry.def, sorted by name.
std::span<const RatingMethod> rating_methods();

/// The method of that name; `-` and `_` are the same. Errors: kInvalidArgument - no such method,
/// with a hint and the list.
Result<const RatingMethod*> find_rating_method(std::string_view name);

/// The value of one of a method's parameters: the options' setting or the default.
double setting(std::span<const RatingParameter> parameters,
               const RatingOptions& options,
               std::string_view name);

/// Errors: kInvalidArgument - a setting that the method does not have, or out of its range.
Result<Ok> check_settings(const RatingMethod& method,
                          std::span<const RatingOptions::Setting> settings);

/// Checks table and options, then fits: the one door to every method.
///
/// Shapes: `Ratings::values` [M] by model index of the table.
/// Errors: kInvalidArgument - no battles, one model, an unknown setting or one out of its range;
///         kFailedPrecondition - models that no battle links, or whatever the method itself cannot
///         do without.
Result<Ratings> fit_ratings(const RatingMethod& method,
                            const BattleTable& table,
                            const RatingOptions& options = {});

/// Natural log-odds of the points that models i and j take from each other by these ratings: the
/// method's own formula, else `Ratings::preference`, else the difference of values on the Elo
/// scale. Empty: shares and counts say nothing of that.
std::optional<double> log_odds(const RatingMethod& method,
                               const Ratings& ratings,
                               size_t i,
                               size_t j);

}  // namespace cupel::rank
