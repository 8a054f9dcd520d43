#pragma once

#include <cstddef>

#include "report/rank_page.h"

namespace cupel::test {

/// A made-up leaderboard of 24 models with everything that a page can show: shared ranks, wider
/// intervals, provisional models, pairs that never met, a cycle, style, groups. Two models, a
/// group, a note and a fact carry the XSS corpus wherever outside text may stand.
report::RankPage sample_rank_page();

/// As many models as asked for, with the map of the first forty: how a page grows.
report::RankPage crowded_rank_page(size_t models);

/// One model and nothing to compare it with.
report::RankPage lone_rank_page();

}  // namespace cupel::test
