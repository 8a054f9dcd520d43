#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "report/training_page.h"

namespace cupel::cli {

/// Whether a folder is that of a run of `cupel tune`.
Result<bool> is_training_run(const std::string& path);

/// What the records of a run say, finished or not: a last line that was cut is passed over.
/// Errors: those of the files; kFailedPrecondition - no step is there yet.
Result<report::TrainingPage> view_training_run(const std::string& path);

/// Writes report.html into the run's folder. Errors: as view_training_run, and those of writing.
Result<Ok> write_training_report(const std::string& path);

/// The first and last numbers of a run: {"steps", "loss", "held_out_loss", …}.
Result<Json> training_summary(const std::string& path);

}  // namespace cupel::cli
