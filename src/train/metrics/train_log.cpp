#include "train/metrics/train_log.h"

#include <limits>
#include <string_view>

#include <unistd.h>

#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"

namespace cupel::train {
namespace {

/// A line that ends; what follows the last line end was cut.
struct WholeLine {
  std::string_view text;
  size_t begin = 0;
  size_t number = 0;
};

Result<Ok> for_each_whole_line(std::string_view text,
                               const std::function<Result<bool>(const WholeLine&)>& line) {
  size_t begin = 0;
  for (size_t number = 1;; ++number) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) {
      return Ok{};
    }
    CUPEL_TRY(const bool more, line({text.substr(begin, end - begin), begin, number}));
    if (!more) {
      return Ok{};
    }
    begin = end + 1;
  }
}

Result<Json> read_record(const WholeLine& line, const std::string& path, int64_t& last_step) {
  auto json = parse_json(line.text);
  if (!json.has_value()) {
    return in_file(std::move(json).error(), path, line.number);
  }
  const auto step = get_int(*json, "step");
  if (!step.has_value()) {
    return in_file(step.error(), path, line.number);
  }
  if (*step < last_step) {
    return in_file(
        corrupt_data("step {} stands behind step {}; the file is not what training wrote", *step,
                     last_step),
        path, line.number);
  }
  last_step = *step;
  return json;
}

constexpr int64_t kNoStep = std::numeric_limits<int64_t>::min();

}  // namespace

Result<TrainLog> TrainLog::open(const std::string& path, int64_t next_step) {
  // The lock first: nobody else may cut or append from here on.
  CUPEL_TRY(JsonlAppender file, JsonlAppender::open(path));
  CUPEL_TRY(const std::string text, read_file(path));
  size_t keep = text.size();
  int64_t step = kNoStep;
  const auto before_next_step = [&](const WholeLine& line) -> Result<bool> {
    CUPEL_TRY_VOID(read_record(line, path, step));
    if (step >= next_step) {
      keep = line.begin;
    }
    return step < next_step;
  };
  CUPEL_TRY_VOID(for_each_whole_line(text, before_next_step));
  if (keep < text.size() && ::truncate(path.c_str(), static_cast<off_t>(keep)) != 0) {
    return system_error(path, "cut off later steps of");
  }
  return TrainLog(std::move(file));
}

Result<Ok> for_each_train_record(
    const std::string& path, const std::function<Result<Ok>(int64_t step, Json&& value)>& record) {
  CUPEL_TRY(const std::string text, read_file(path));
  int64_t step = kNoStep;
  return for_each_whole_line(text, [&](const WholeLine& line) -> Result<bool> {
    CUPEL_TRY(Json json, read_record(line, path, step));
    auto taken = record(step, std::move(json));
    if (!taken.has_value()) {
      return in_file(std::move(taken).error(), path, line.number);
    }
    return true;
  });
}

}  // namespace cupel::train
