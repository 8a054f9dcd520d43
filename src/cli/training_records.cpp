#include "cli/training_records.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "train/metrics/train_log.h"

namespace cupel::cli {
namespace {

using Points = std::vector<report::LineSeries::Point>;

void add_numbers(const Json& record, double step, NumbersByName& numbers) {
  for (const auto& [key, value] : record.as_object()) {
    if (value.is_number() && key != "step") {
      numbers[key].push_back({step, value.as_double()});
    }
  }
}

/// Steps at which the count of skipped ones rose.
std::vector<double> skipped_steps(const Points& counts) {
  std::vector<double> steps;
  double before = 0;
  for (const auto& point : counts) {
    if (point.y > before) {
      steps.push_back(point.x);
    }
    before = point.y;
  }
  return steps;
}

Json summary_of(const NumbersByName& numbers, bool lowest) {
  Json out = Json::object();
  for (const auto& [name, points] : numbers) {
    Json one = Json::object().set("first", points.front().y).set("last", points.back().y);
    if (lowest) {
      const auto least = std::ranges::min_element(
          points, {}, [](const report::LineSeries::Point& point) { return point.y; });
      one.set("lowest", least->y).set("lowest_step", static_cast<int64_t>(least->x));
    }
    out.set(name, std::move(one));
  }
  return out;
}

}  // namespace

Result<TrainingRecords> read_training_records(const std::string& path) {
  TrainingRecords records;
  const std::string file = path + "/train.jsonl";
  CUPEL_TRY(const bool begun, path_exists(file));
  if (begun) {
    CUPEL_TRY_VOID(
        train::for_each_train_record(file, [&](int64_t step, Json&& record) -> Result<Ok> {
          if (const Json* const eval = record.find("eval"); eval != nullptr && eval->is_object()) {
            add_numbers(*eval, static_cast<double>(step), records.held_out);
          } else {
            add_numbers(record, static_cast<double>(step), records.training);
            records.steps = step;
          }
          return Ok{};
        }));
  }
  if (records.training.empty()) {
    return failed_precondition("{}: no step is done yet", path);
  }
  records.skipped = skipped_steps(points_of(records.training, "skipped"));
  CUPEL_TRY(const bool timed, path_exists(path + "/timing.jsonl"));
  if (timed) {
    CUPEL_TRY_VOID(train::for_each_train_record(
        path + "/timing.jsonl", [&](int64_t step, Json&& record) -> Result<Ok> {
          if (!record.contains("eval")) {
            add_numbers(record, static_cast<double>(step), records.timing);
          }
          return Ok{};
        }));
  }
  for (const auto& point : points_of(records.timing, "step_ms")) {
    records.seconds += point.y / 1e3;
  }
  for (const auto& point : points_of(records.timing, "mem_bytes")) {
    records.peak_bytes = std::max(records.peak_bytes, point.y);
  }
  return records;
}

const Points& points_of(const NumbersByName& numbers, std::string_view name) {
  static const Points kNone;
  const auto found = numbers.find(name);
  return found == numbers.end() ? kNone : found->second;
}

std::optional<double> first_value(const NumbersByName& numbers, std::string_view name) {
  const Points& points = points_of(numbers, name);
  return points.empty() ? std::nullopt : std::optional(points.front().y);
}

std::optional<double> last_value(const NumbersByName& numbers, std::string_view name) {
  const Points& points = points_of(numbers, name);
  return points.empty() ? std::nullopt : std::optional(points.back().y);
}

Json training_summary(const TrainingRecords& records) {
  return Json::object()
      .set("steps", records.steps)
      .set("skipped", static_cast<int64_t>(records.skipped.size()))
      .set("seconds", records.seconds)
      .set("peak_bytes", records.peak_bytes > 0 ? Json(records.peak_bytes) : Json())
      .set("training", summary_of(records.training, false))
      .set("held_out", summary_of(records.held_out, true));
}

}  // namespace cupel::cli
