#include "align/tune/sample_file.h"

#include <algorithm>

#include "base/io.h"

namespace cupel::align {
namespace {

bool is_of(const Json& row, std::string_view when) {
  const Json* const moment = row.find("when");
  return moment != nullptr && *moment == Json(when);
}

}  // namespace

Result<SampleFile> SampleFile::open(const std::string& path) {
  SampleFile file(path);
  CUPEL_TRY(const bool there, path_exists(path));
  if (there) {
    CUPEL_TRY_VOID(for_each_jsonl_file(path, [&](Json&& row, size_t /*line*/) -> Result<Ok> {
      file.rows_.push_back(std::move(row));
      return Ok{};
    }));
  }
  return file;
}

bool SampleFile::has(int64_t step, std::string_view when) const {
  return std::ranges::any_of(rows_, [&](const Json& row) {
    const Json* const at = row.find("step");
    return is_of(row, when) && at != nullptr && *at == Json(step);
  });
}

Result<Ok> SampleFile::replace(int64_t step,
                               std::string_view when,
                               const std::vector<Json>& samples) {
  std::erase_if(rows_, [&](const Json& row) { return is_of(row, when); });
  for (const Json& sample : samples) {
    Json row = Json::object().set("step", step).set("when", when);
    for (const auto& [key, value] : sample.as_object()) {
      row.set(key, value);
    }
    rows_.push_back(std::move(row));
  }
  std::string text;
  for (const Json& row : rows_) {
    text += dump_json(row) + "\n";
  }
  return write_file_atomic(path_, text);
}

}  // namespace cupel::align
