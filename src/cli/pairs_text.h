#pragma once

#include <cstddef>
#include <string>

#include "curate/pair_builder.h"

namespace cupel::cli {

/// What `cupel pairs` says at its end: how often answers pass, how many pairs came of them, why
/// prompts gave none, and what to do next.
std::string pairs_text(const curate::PairSummary& summary,
                       const std::string& folder,
                       size_t held_out);

/// What to change where no prompt gave a pair; one line.
std::string no_pairs_text(const curate::PairSummary& summary);

}  // namespace cupel::cli
