#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/hub/choose_files.h"
#include "store/hub/hub.h"
#include "store/hub/model_cache.h"

namespace cupel::store {

/// What a pull tells while it works. Calls come one at a time, from several threads; any may be
/// empty.
struct PullObserver {
  /// What is wanted in all, and how many bytes of it are complete already.
  std::function<void(const std::vector<HubFile>& files, int64_t done_bytes)> on_start;
  /// Bytes that came, or negative what must come again.
  std::function<void(int64_t bytes)> on_bytes;
  /// A file is complete; `fetched` is false where it was before.
  std::function<void(const CachedFile& file, bool fetched)> on_file;
};

struct PullReport {
  CachedModel model;
  std::vector<CachedFile> files;  ///< those that were asked for, in the order of the listing
  size_t fetched = 0;             ///< of them, by this pull
};

/// Brings what is wanted of a model into the cache: lists it, chooses files (choose_files), and
/// fetches those that are not there, several at one time. `main` (or the revision that was named)
/// means this commit from then on. Stopped or failed at any point, nothing incomplete lies under a
/// final name, complete files stay, and the same pull goes on.
///
/// Errors: those of Hub, choose_files, fetch_file and ModelCache; kExhausted - the disk has no room
/// for it; kFailedPrecondition - another pull of the same model runs; kInvalidArgument - both a
/// file and a quantisation are wanted.
Result<PullReport> pull(Hub& hub,
                        const ModelCache& cache,
                        const HubReference& reference,
                        const std::string& quant,
                        const PullObserver& observer);

}  // namespace cupel::store
