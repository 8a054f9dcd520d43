#pragma once

#include "base/result.h"
#include "judge/protocol.h"
#include "judge/run_folder.h"
#include "judge/summary.h"

namespace cupel::judge {

/// Below this many questions a run warns that its intervals are wide.
constexpr int64_t kFewQuestions = 20;

/// Appends to `summary.warnings` what readers must know before they believe the table: too few
/// questions, a judge that is a contender, a judge too weak to tell a model from a control, models
/// that do not beat a control, invalid and undecided verdicts, cut answers. With `partial`, nothing
/// that compares models.
Result<Ok> add_warnings(const RunFolder& run,
                        const Protocol& protocol,
                        bool partial,
                        RunSummary& summary);

}  // namespace cupel::judge
