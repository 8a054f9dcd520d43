#include "flow/journal.h"

#include "base/error.h"

namespace cupel::flow {

Result<Journal::Rows> Journal::read_rows(const std::string& path) {
  CUPEL_TRY(const std::string text, read_file(path));
  // A line without an end is still being written, or was when its writer was killed.
  const size_t complete = text.rfind('\n') + 1;
  Rows rows;
  CUPEL_TRY_VOID(for_each_jsonl(
      std::string_view(text).substr(0, complete), path, [&](Json&& line, size_t) -> Result<Ok> {
        CUPEL_TRY(std::string key, get_string(line, "key"));
        const Json* row = line.find("row");
        if (row == nullptr) {
          return corrupt_data("\"row\" is missing; this line was not written by cupel");
        }
        if (!rows.emplace(key, *row).second) {
          return corrupt_data("key \"{}\" stands here a second time; remove one of the lines", key);
        }
        return Ok{};
      }));
  return rows;
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path) {
  CUPEL_TRY(JsonlAppender file, JsonlAppender::open(path));
  CUPEL_TRY(Rows rows, read_rows(path));
  return std::unique_ptr<Journal>(new Journal(std::move(file), std::move(rows)));
}

Result<std::unique_ptr<Journal>> Journal::read(const std::string& path) {
  CUPEL_TRY(Rows rows, read_rows(path));
  return std::unique_ptr<Journal>(new Journal(std::nullopt, std::move(rows)));
}

const Json* Journal::find(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(std::string(key));
  return found == rows_.end() ? nullptr : &found->second;
}

Result<Ok> Journal::append(const std::string& key, Json row) {
  const std::lock_guard lock(mutex_);
  CUPEL_CHECK(!rows_.contains(key), "a journal key is appended once");
  CUPEL_CHECK(file_.has_value(), "this journal was only read");
  CUPEL_TRY_VOID(file_->append(Json::object().set("key", key).set("row", row)));
  rows_.emplace(key, std::move(row));
  return Ok{};
}

size_t Journal::size() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

}  // namespace cupel::flow
