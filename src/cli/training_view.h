#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "report/training_page.h"

namespace cupel::cli {

/// Whether a folder is that of a run of `cupel tune`.
Result<bool> is_training_run(const std::string& path);

/// What a run's folder says, of a finished run or of one that is going on.
/// Errors: those of read_training_records and of the other files.
Result<report::TrainingPage> view_training_run(const std::string& path);

/// Writes report.html into the run's folder. Errors: as view_training_run, and those of writing.
Result<Ok> write_training_report(const std::string& path);

}  // namespace cupel::cli
