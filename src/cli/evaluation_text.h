#pragma once

#include <map>
#include <string>

#include "judge/summary.h"
#include "report/table.h"
#include "report/terminal.h"

namespace cupel::cli {

/// The leaderboard for a terminal.
report::Table leaderboard_table(const judge::RunSummary& summary);

/// All that a finished evaluation says on a terminal: leaderboard, differences, what the judge and
/// the whole run cost, notes.
std::string summary_text(const judge::RunSummary& summary, const report::Terminal& terminal);

// What text and page of an evaluation share.

/// Whether some answer came from an equal call.
bool any_cached_answer(const judge::RunSummary& summary);
/// "smollm2 0.15 and 0.6; judge 2.5 and 10": of a million prompt and completion tokens.
std::string prices_text(const std::map<std::string, store::Price>& prices);

}  // namespace cupel::cli
