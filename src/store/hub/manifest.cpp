#include "store/hub/manifest.h"

#include "base/error.h"
#include "base/text.h"

namespace cupel::store {
namespace {

constexpr int64_t kFormat = 1;

Result<std::string> read_hex(const Json& json, std::string_view key, size_t digits) {
  CUPEL_TRY(std::string hex, get_string_or(json, key, ""));
  if (!hex.empty() && !is_hex(hex, digits)) {
    return corrupt_data("{} is \"{}\"; expected {} hex digits", key, printable(hex, 80), digits);
  }
  return hex;
}

Result<CachedFile> read_file_entry(const Json& entry) {
  CachedFile cached;
  CUPEL_TRY(cached.file.path, get_string(entry, "path"));
  CUPEL_TRY_VOID(check_repository_path(cached.file.path));
  CUPEL_TRY(cached.file.size, get_int(entry, "size"));
  if (cached.file.size < 0) {
    return corrupt_data("size of {} is {}", printable(cached.file.path, 120), cached.file.size);
  }
  CUPEL_TRY(cached.file.sha256, read_hex(entry, "sha256", 64));
  CUPEL_TRY(cached.file.git_sha1, read_hex(entry, "git_sha1", 40));
  CUPEL_TRY(const std::string checked, get_string(entry, "checked"));
  CUPEL_TRY(cached.checked, parse_checked(checked));
  return cached;
}

}  // namespace

Json write_manifest(const CachedModel& model) {
  Json files = Json::array();
  for (const CachedFile& cached : model.files) {
    Json entry = Json::object();
    entry.set("path", cached.file.path).set("size", cached.file.size);
    if (!cached.file.sha256.empty()) {
      entry.set("sha256", cached.file.sha256);
    }
    if (!cached.file.git_sha1.empty()) {
      entry.set("git_sha1", cached.file.git_sha1);
    }
    entry.set("checked", checked_name(cached.checked));
    files.push_back(std::move(entry));
  }
  Json json = Json::object();
  json.set("format", kFormat)
      .set("repository", model.reference.repository())
      .set("commit", model.commit)
      .set("hub", model.hub)
      .set("files", std::move(files));
  return json;
}

Result<Ok> read_manifest(const Json& json, CachedModel& model) {
  CUPEL_TRY(const int64_t format, get_int(json, "format"));
  if (format != kFormat) {
    return corrupt_data("format is {}; this version reads {}", format, kFormat);
  }
  CUPEL_TRY(const std::string repository, get_string(json, "repository"));
  CUPEL_TRY(const std::string commit, get_string(json, "commit"));
  if (repository != model.reference.repository() || commit != model.commit) {
    return corrupt_data("is of {} at {}", printable(repository, 200), printable(commit, 48));
  }
  CUPEL_TRY(model.hub, get_string(json, "hub"));
  CUPEL_TRY(const Json* files, get_array(json, "files"));
  for (const Json& entry : files->as_array()) {
    CUPEL_TRY(CachedFile cached, read_file_entry(entry));
    model.files.push_back(std::move(cached));
  }
  return Ok{};
}

}  // namespace cupel::store
