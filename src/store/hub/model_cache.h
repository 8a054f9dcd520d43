#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "core/hub_reference.h"
#include "store/hub/download.h"

namespace cupel::store {

/// A complete file of the cache.
struct CachedFile {
  HubFile file;
  Checked checked = Checked::kSize;
};

/// What is there of one commit of a repository: the content of its manifest.json.
struct CachedModel {
  HubReference reference;  ///< owner and name
  std::string commit;
  std::string hub;  ///< URL it came from
  std::vector<CachedFile> files;
  std::vector<std::string> revisions{};  ///< what asked for this commit at its last pull
  int64_t partial_bytes = 0;             ///< of files that are not complete

  [[nodiscard]] int64_t bytes() const;
  [[nodiscard]] const CachedFile* find(std::string_view path) const;
};

/// The models on this machine. Below its root:
///
///   models/ORG/NAME/revisions.json         {"main": COMMIT, …}: what a revision meant when pulled
///   models/ORG/NAME/COMMIT/manifest.json   the complete files, with sizes and checksums
///   models/ORG/NAME/COMMIT/files/PATH      the files, under their names in the repository
///   models/ORG/NAME/COMMIT/partial/        what is being fetched, or was interrupted
///   locks/ORG--NAME.lock                   held by whoever changes that model
///
/// Errors of all calls: those of the file functions; kCorruptData naming a damaged manifest.
class ModelCache {
 public:
  /// $CUPEL_CACHE, else $XDG_CACHE_HOME/cupel, else ~/.cache/cupel. Nothing is created.
  /// Errors: kInvalidArgument - none of these variables and no HOME is set.
  static Result<ModelCache> of_environment();
  explicit ModelCache(std::string root) : root_(std::move(root)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string file_path(const CachedModel& model, std::string_view path) const;
  [[nodiscard]] std::string partial_path(const CachedModel& model, std::string_view path) const;
  [[nodiscard]] std::string folder(const CachedModel& model) const;  ///< of its files

  /// For whoever changes the model. Errors: kFailedPrecondition - another process does so.
  [[nodiscard]] Result<FileLock> lock(const HubReference& reference) const;

  /// What is there of a commit; without files where nothing is.
  [[nodiscard]] Result<CachedModel> load(const HubReference& reference,
                                         const std::string& commit) const;
  [[nodiscard]] Result<Ok> save(const CachedModel& model) const;
  /// From now on the revision means this commit.
  [[nodiscard]] Result<Ok> note_revision(const CachedModel& model,
                                         const std::string& revision) const;

  /// All commits of all models, by name.
  [[nodiscard]] Result<std::vector<CachedModel>> list() const;
  /// Removes a model, or with a revision that commit alone; the bytes that this frees. Errors:
  /// kNotFound; kFailedPrecondition - it is being pulled; kInvalidArgument - a file is named.
  [[nodiscard]] Result<int64_t> remove(const HubReference& reference) const;

  /// The path of the model that a reference means: its one GGUF file (of a split one the first
  /// part), the one that its file or pattern names, or the folder of its safetensors. Errors:
  /// kNotFound with the command that fetches it; kInvalidArgument - several fit, with their names.
  [[nodiscard]] Result<std::string> find(const HubReference& reference) const;

 private:
  [[nodiscard]] std::string repository_folder(const HubReference& reference) const;
  [[nodiscard]] Result<std::vector<CachedModel>> commits_of(const HubReference& reference) const;
  [[nodiscard]] Result<CachedModel> commit_of(const HubReference& reference) const;

  std::string root_;
};

}  // namespace cupel::store
