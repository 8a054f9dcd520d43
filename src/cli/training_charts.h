#pragma once

#include <vector>

#include "cli/training_records.h"
#include "report/training_page.h"

namespace cupel::cli {

/// A chart of every number that a run has: those that are known with what to look for, then the
/// method's others by their names.
std::vector<report::TrainingPage::Chart> training_charts(const TrainingRecords& records);

}  // namespace cupel::cli
