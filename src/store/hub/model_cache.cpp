#include "store/hub/model_cache.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/text.h"
#include "store/hub/choose_files.h"
#include "store/hub/manifest.h"

namespace cupel::store {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

int64_t folder_bytes(const std::string& path) {
  int64_t bytes = 0;
  std::error_code ec;
  for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    std::error_code unreadable;
    const auto size = it->is_regular_file(unreadable) ? it->file_size(unreadable) : 0;
    bytes += unreadable ? 0 : static_cast<int64_t>(size);
  }
  return bytes;
}

Result<int64_t> remove_folder(const std::string& path) {
  const int64_t bytes = folder_bytes(path);
  std::error_code ec;
  fs::remove_all(path, ec);
  if (ec) {
    return unavailable("{}: cannot remove all of it: {}", path, ec.message());
  }
  return bytes;
}

// The names in a folder; none where it does not exist.
Result<std::vector<std::string>> names_in(const std::string& path) {
  CUPEL_TRY(const bool there, is_folder(path));
  return there ? list_folder(path) : std::vector<std::string>{};
}

std::vector<std::string> paths_of(const CachedModel& model) {
  std::vector<std::string> paths;
  for (const CachedFile& cached : model.files) {
    paths.push_back(cached.file.path);
  }
  return paths;
}

Error not_pulled(const HubReference& reference, std::string_view root) {
  return not_found("{} is no file here and not in the cache {}; fetch it with: cupel pull {}",
                   reference.text(), root, reference.text());
}

}  // namespace

int64_t CachedModel::bytes() const {
  int64_t bytes = 0;
  for (const CachedFile& cached : files) {
    bytes += cached.file.size;
  }
  return bytes;
}

const CachedFile* CachedModel::find(std::string_view path) const {
  for (const CachedFile& cached : files) {
    if (cached.file.path == path) {
      return &cached;
    }
  }
  return nullptr;
}

Result<ModelCache> ModelCache::of_environment() {
  std::string root = environment("CUPEL_CACHE");
  if (const std::string cache = environment("XDG_CACHE_HOME");
      root.empty() && cache.starts_with('/')) {  // a relative one counts as unset, by its standard
    root = cache + "/cupel";
  }
  if (const std::string home = environment("HOME"); root.empty() && !home.empty()) {
    root = home + "/.cache/cupel";
  }
  if (root.empty()) {
    return invalid_argument("no place for models: set CUPEL_CACHE to a folder");
  }
  CUPEL_TRY(root, absolute_path(root));
  return ModelCache(std::move(root));
}

std::string ModelCache::repository_folder(const HubReference& reference) const {
  return root_ + "/models/" + reference.repository();
}

std::string ModelCache::folder(const CachedModel& model) const {
  return repository_folder(model.reference) + "/" + model.commit + "/files";
}

std::string ModelCache::file_path(const CachedModel& model, std::string_view path) const {
  return folder(model) + "/" + std::string(path);
}

// A flat name: that of a file in one repository can be the folder of another.
std::string ModelCache::partial_path(const CachedModel& model, std::string_view path) const {
  return repository_folder(model.reference) + "/" + model.commit + "/partial/" + fingerprint(path) +
         ".partial";
}

Result<FileLock> ModelCache::lock(const HubReference& reference) const {
  CUPEL_TRY_VOID(make_directories(root_ + "/locks"));
  return FileLock::take(format("{}/locks/{}--{}.lock", root_, reference.owner, reference.name),
                        "another cupel pull works on this model; wait for it, or stop it");
}

Result<CachedModel> ModelCache::load(const HubReference& reference,
                                     const std::string& commit) const {
  CachedModel model{
      .reference = {.owner = reference.owner, .name = reference.name, .revision = {}, .file = {}},
      .commit = commit,
      .hub = {},
      .files = {}};
  const std::string base = repository_folder(reference) + "/" + commit;
  const std::string path = base + "/manifest.json";
  CUPEL_TRY(const bool there, path_exists(path));
  if (there) {
    CUPEL_TRY(const Json json, read_json_file(path));
    if (auto read = read_manifest(json, model); !read) {
      return corrupt_data("{}: {}; remove the model and pull it again", path, read.error().message);
    }
  }
  model.partial_bytes = folder_bytes(base + "/partial");
  return model;
}

Result<Ok> ModelCache::save(const CachedModel& model) const {
  return write_file_atomic(
      repository_folder(model.reference) + "/" + model.commit + "/manifest.json",
      dump_json(write_manifest(model), {.indent = 2}) + "\n");
}

Result<Ok> ModelCache::note_revision(const CachedModel& model, const std::string& revision) const {
  const std::string path = repository_folder(model.reference) + "/revisions.json";
  Json revisions = Json::object();
  CUPEL_TRY(const bool there, path_exists(path));
  if (there) {
    CUPEL_TRY(revisions, read_json_file(path));
    if (!revisions.is_object()) {
      return corrupt_data("{}: is {}; expected an object; remove the model and pull it again", path,
                          revisions.type_name());
    }
  }
  revisions.set(revision, model.commit);
  return write_file_atomic(path, dump_json(revisions, {.indent = 2}) + "\n");
}

Result<std::vector<CachedModel>> ModelCache::commits_of(const HubReference& reference) const {
  const std::string base = repository_folder(reference);
  Json revisions = Json::object();
  CUPEL_TRY(const bool noted, path_exists(base + "/revisions.json"));
  if (noted) {
    CUPEL_TRY(revisions, read_json_file(base + "/revisions.json"));
  }
  std::vector<CachedModel> models;
  CUPEL_TRY(const auto names, names_in(base));
  for (const std::string& name : names) {
    if (!is_hex(name, 40)) {
      continue;
    }
    CUPEL_TRY(CachedModel model, load(reference, name));
    for (const auto& [revision, commit] :
         revisions.is_object() ? revisions.as_object() : Json::Object{}) {
      if (commit == Json(name)) {
        model.revisions.push_back(revision);
      }
    }
    models.push_back(std::move(model));
  }
  return models;
}

Result<std::vector<CachedModel>> ModelCache::list() const {
  std::vector<CachedModel> models;
  CUPEL_TRY(const auto owners, names_in(root_ + "/models"));
  for (const std::string& owner : owners) {
    CUPEL_TRY(const auto names, names_in(root_ + "/models/" + owner));
    for (const std::string& name : names) {
      CUPEL_TRY(auto commits,
                commits_of({.owner = owner, .name = name, .revision = {}, .file = {}}));
      std::move(commits.begin(), commits.end(), std::back_inserter(models));
    }
  }
  return models;
}

// The commit that a reference means: the one its revision was when it was pulled.
Result<CachedModel> ModelCache::commit_of(const HubReference& reference) const {
  const std::string revision = reference.revision.empty() ? "main" : reference.revision;
  CUPEL_TRY(const auto models, commits_of(reference));
  for (const CachedModel& model : models) {
    const bool noted = std::find(model.revisions.begin(), model.revisions.end(), revision) !=
                       model.revisions.end();
    if (noted || model.commit == revision) {
      return model;
    }
  }
  return not_pulled(reference, root_);
}

Result<int64_t> ModelCache::remove(const HubReference& reference) const {
  if (!reference.file.empty()) {
    return invalid_argument("{}: whole models are removed; leave the file out", reference.text());
  }
  CUPEL_TRY(const bool there, is_folder(repository_folder(reference)));
  if (!there) {
    return not_found("{} is not in the cache {}; see cupel pull --list", reference.repository(),
                     root_);
  }
  CUPEL_TRY(const FileLock held, lock(reference));
  if (reference.revision.empty()) {  // without a look at manifests, which may be damaged
    return remove_folder(repository_folder(reference));
  }
  CUPEL_TRY(const CachedModel model, commit_of(reference));
  return remove_folder(repository_folder(reference) + "/" + model.commit);
}

Result<std::string> ModelCache::find(const HubReference& reference) const {
  CUPEL_TRY(const CachedModel model, commit_of(reference));
  const auto paths = paths_of(model);
  std::vector<std::string> fitting;
  for (const std::string& path : paths) {
    if (path == reference.file) {
      return file_path(model, path);
    }
    if (reference.file.empty() || matches_pattern(path, reference.file)) {
      fitting.push_back(path);
    }
  }
  const auto ggufs = gguf_models(fitting);
  if (ggufs.size() == 1) {
    return file_path(model, ggufs.front());
  }
  if (ggufs.size() > 1) {
    return invalid_argument("{} means {} files of the cache; name one as ORG/NAME:FILE: {}",
                            reference.text(), ggufs.size(), join(ggufs, ", "));
  }
  const bool weights = std::any_of(paths.begin(), paths.end(), [](const std::string& path) {
    return path.ends_with(".safetensors");
  });
  if (weights && reference.file.empty()) {
    return folder(model);
  }
  return not_pulled(reference, root_);
}

}  // namespace cupel::store
