#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "report/figures_lines.h"

namespace cupel::cli {

/// Numbers by name, each over the steps of a run.
using NumbersByName = std::map<std::string, std::vector<report::LineSeries::Point>, std::less<>>;

/// What train.jsonl and timing.jsonl of a run say.
struct TrainingRecords {
  NumbersByName training;       ///< of steps
  NumbersByName held_out;       ///< of evaluations
  NumbersByName timing;         ///< of steps
  std::vector<double> skipped;  ///< steps whose gradient was not finite
  int64_t steps = 0;
  double seconds = 0;     ///< of all steps
  double peak_bytes = 0;  ///< 0: not known
};

/// Reads a run's records, finished or not: a last line that was cut is passed over.
/// Errors: those of for_each_train_record; kFailedPrecondition - no step is done yet.
Result<TrainingRecords> read_training_records(const std::string& path);

const std::vector<report::LineSeries::Point>& points_of(const NumbersByName& numbers,
                                                        std::string_view name);
/// First and last value of a number; none where there is none.
std::optional<double> first_value(const NumbersByName& numbers, std::string_view name);
std::optional<double> last_value(const NumbersByName& numbers, std::string_view name);

/// {"steps", "seconds", "peak_bytes", "skipped", "training": {NAME: {"first", "last"}},
/// "held_out": {the same, and "lowest"}}.
Json training_summary(const TrainingRecords& records);

}  // namespace cupel::cli
