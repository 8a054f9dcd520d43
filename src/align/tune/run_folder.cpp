#include "align/tune/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::align {
namespace {

constexpr std::string_view kRecipe = "recipe.toml";
constexpr std::string_view kIdentity = "run.json";
constexpr std::string_view kLock = ".lock";
constexpr std::string_view kResult = "result.json";

/// Members of run.json that decide whether it is the same run.
constexpr std::string_view kSame[] = {"model", "data"};

std::vector<std::string> identity_differences(const Json& now, const Json& before) {
  std::vector<std::string> differences;
  for (const std::string_view key : kSame) {
    const Json* a = now.find(key);
    const Json* b = before.find(key);
    if (a == nullptr || b == nullptr || !(*a == *b)) {
      differences.push_back(format("{}: the files are not those of the run", key));
    }
  }
  return differences;
}

/// Keys that say nothing of what is computed.
bool matters(const std::string& difference) {
  for (const std::string_view key : {"out", "log.", "checkpoint."}) {
    if (difference.starts_with(key)) {
      return false;
    }
  }
  return true;
}

/// Removes what a killed run left half written.
Result<Ok> remove_partial(const std::string& path) {
  CUPEL_TRY(const std::vector<std::string> names, list_folder(path));
  std::error_code ec;
  for (const std::string& name : names) {
    if (name.ends_with(".partial")) {
      std::filesystem::remove_all(format("{}/{}", path, name), ec);
    }
  }
  return Ok{};
}

std::vector<train::Scalar> scalars(const Json& record, const std::string& prefix) {
  std::vector<train::Scalar> result;
  for (const auto& [key, value] : record.as_object()) {
    if (key != "step" && key != "time" && value.is_number()) {
      result.push_back({.tag = prefix + key, .value = value.as_double()});
    }
  }
  return result;
}

}  // namespace

std::string RunFolder::file(std::string_view name) const {
  return format("{}/{}", path_, name);
}

Result<int64_t> RunFolder::result_step() const {
  CUPEL_TRY(const bool there, path_exists(file(kResult)));
  if (!there) {
    return -1;
  }
  CUPEL_TRY(const Json result, read_json_file(file(kResult)));
  return get_int(result, "step");
}

Result<Ok> RunFolder::set_result_step(int64_t step) const {
  return write_file_atomic(file(kResult), dump_json(Json::object().set("step", step)) + "\n");
}

Result<Ok> RunFolder::lock() {
  CUPEL_TRY(lock_, FileLock::take(file(kLock), "another process trains in this folder"));
  return Ok{};
}

Result<RunFolder> RunFolder::open(const train::Recipe& recipe,
                                  const Json& identity,
                                  bool allow_changed) {
  if (recipe.out.empty()) {
    return invalid_argument("no folder for the run; set out (--out)");
  }
  RunFolder folder(recipe.out);
  std::error_code ec;
  if (std::filesystem::exists(recipe.out, ec) && !std::filesystem::is_directory(recipe.out, ec)) {
    return invalid_argument("{}: is a file; out (--out) names the folder of the run", recipe.out);
  }
  CUPEL_TRY(const bool recipe_there, path_exists(folder.file(kRecipe)));
  const std::string text = train::recipe_text(recipe);
  bool changed = true;
  if (recipe_there) {
    CUPEL_TRY_VOID(folder.lock());
    CUPEL_TRY(const train::Recipe before, train::load_recipe(folder.file(kRecipe)));
    CUPEL_TRY(const Json old, read_json_file(folder.file(kIdentity)));
    std::vector<std::string> differences = identity_differences(identity, old);
    for (std::string& one : train::recipe_differences(recipe, before)) {
      if (matters(one)) {
        differences.push_back(std::move(one));
      }
    }
    if (!differences.empty() && !allow_changed) {
      return failed_precondition(
          "{}: holds another run ({}); name a new folder, or give --allow-changed to go on with "
          "the changes",
          recipe.out, join(differences, "; "));
    }
    folder.resumed_ = true;
    changed = text != train::recipe_text(before);  // what does not matter is kept, too
    CUPEL_TRY_VOID(remove_partial(recipe.out));
    folder.differences_ = std::move(differences);
  } else {
    CUPEL_TRY(const bool there, path_exists(recipe.out));
    if (there) {
      CUPEL_TRY(const std::vector<std::string> names, list_folder(recipe.out));
      // These alone: a run that was killed before it had begun.
      const bool other = std::ranges::any_of(
          names, [](const std::string& name) { return name != kIdentity && name != kLock; });
      if (other) {
        return failed_precondition("{}: is no run of cupel tune, and not empty; name a new folder",
                                   recipe.out);
      }
    }
    CUPEL_TRY_VOID(make_directories(recipe.out));
    CUPEL_TRY_VOID(folder.lock());
    // The recipe last: its presence says that the folder is a run.
    CUPEL_TRY_VOID(
        write_file_atomic(folder.file(kIdentity), dump_json(identity, {.indent = 2}) + "\n"));
  }
  if (changed) {
    CUPEL_TRY_VOID(write_file_atomic(folder.file(kRecipe), text));
  }
  if (!folder.differences_.empty()) {
    CUPEL_TRY_VOID(
        write_file_atomic(folder.file(kIdentity), dump_json(identity, {.indent = 2}) + "\n"));
  }
  return folder;
}

Result<RunRecords> RunRecords::open(const RunFolder& folder, const Options& options) {
  CUPEL_TRY(train::TrainLog log,
            train::TrainLog::open(folder.file("train.jsonl"), options.next_step));
  CUPEL_TRY(train::TrainLog timing,
            train::TrainLog::open(folder.file("timing.jsonl"), options.next_step));
  std::optional<train::EventFile> events;
  if (options.tensorboard) {
    CUPEL_TRY(events, train::EventFile::create({.folder = folder.path(),
                                                .wall_time_s = unix_seconds(),
                                                .process_id = getpid(),
                                                .first_step = folder.resumed()
                                                                  ? std::optional(options.next_step)
                                                                  : std::nullopt}));
  }
  return RunRecords(std::move(log), std::move(timing), std::move(events));
}

Result<Ok> RunRecords::append(const Json& record, const Json& timing) {
  CUPEL_TRY_VOID(log_.append(record));
  CUPEL_TRY_VOID(timing_.append(timing));
  if (!events_) {
    return Ok{};
  }
  CUPEL_TRY(const int64_t step, get_int(record, "step"));
  const Json* const eval = record.find("eval");
  std::vector<train::Scalar> values =
      eval != nullptr ? scalars(*eval, "eval/") : scalars(record, "train/");
  if (eval == nullptr) {
    const std::vector<train::Scalar> speed = scalars(timing, "speed/");
    values.insert(values.end(), speed.begin(), speed.end());
  }
  return events_->write(step, unix_seconds(), values);
}

}  // namespace cupel::align
