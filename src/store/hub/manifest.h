#pragma once

#include "base/json.h"
#include "base/result.h"
#include "store/hub/model_cache.h"

namespace cupel::store {

/// manifest.json of a cached commit: {"format": 1, "repository", "commit", "hub", "files":
/// [{"path", "size", "sha256" or "git_sha1", "checked"}]}.
Json write_manifest(const CachedModel& model);

/// Fills `hub` and `files` of a model whose reference and commit are set. Errors: kCorruptData - a
/// member is absent or of another kind, a path leads out of the folder, the manifest is of another
/// model or of a later format.
Result<Ok> read_manifest(const Json& json, CachedModel& model);

}  // namespace cupel::store
