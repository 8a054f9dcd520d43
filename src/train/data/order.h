#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel::train {

/// The items [begin, begin + count) of one source, and how much of it a mixture takes. At most one
/// of probability, tokens and characters says so; a mixture's sources all use the same.
struct MixtureSource {
  int64_t begin = 0;
  int64_t count = 0;
  double probability = 0;  ///< > 0; sums to 1 after scaling
  int64_t tokens = 0;      ///< > 0: items are taken until they hold so many, again if need be
  int64_t characters = 0;  ///< the same, counted in characters of the row
};

struct OrderOptions {
  uint64_t seed = 42;
  bool shuffle = true;
  /// Items of a similar length come together: sorted, longest first, within shuffled stretches of
  /// 50 · `group_by_length` items; 0: not. The longest of all comes first, so that memory that does
  /// not suffice shows at once.
  int64_t group_by_length = 0;
  std::vector<MixtureSource> mixture;  ///< empty: every item once
};

/// Checks a mixture over `items` items. Errors: kInvalidArgument that names the source.
Result<Ok> check_mixture(std::span<const MixtureSource> mixture, int64_t items);

/// Checks that budgets of a checked mixture take no more than 50 million items an epoch.
/// Errors: kInvalidArgument that names the source.
Result<Ok> check_budgets(std::span<const MixtureSource> mixture,
                         std::span<const int64_t> lengths,
                         std::span<const int64_t> characters);

/// Which items an epoch takes, in order: a function of options and epoch alone, the same on every
/// rank. `lengths` and `characters` are those of all items (`characters` may be empty where no
/// budget needs them).
///
/// With probabilities an epoch has as many draws as there are items; each draw takes the next item
/// of its source, which is shuffled anew when it is used up. With budgets each source gives what
/// its budget allows, and all of it is shuffled together.
std::vector<int64_t> epoch_order(const OrderOptions& options,
                                 std::span<const int64_t> lengths,
                                 std::span<const int64_t> characters,
                                 int64_t epoch);

/// A random stream's number by its name.
uint64_t stream_id(std::string_view name);

}  // namespace cupel::train
