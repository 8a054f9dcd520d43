#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/hub/hub.h"

namespace cupel::store {

/// What the content of a file was compared with.
enum class Checked { kSha256, kGitSha1, kSize };
/// "sha256", "git-sha1" or "size".
std::string_view checked_name(Checked checked);
Result<Checked> parse_checked(std::string_view name);

/// One file to fetch.
struct Download {
  HubReference reference;
  std::string commit;
  HubFile file;              ///< its size is known
  std::string partial_path;  ///< where it grows; its folder exists, nobody else writes there
  std::string path;          ///< where it appears, complete; its folder exists
};

/// Fetches a file, or the rest of it: goes on from what an earlier run left if the hub has the same
/// version still, tries again after a lost connection, compares size and checksum, and only then
/// gives the file its name.
///
/// `on_bytes` counts bytes (negative where they must be fetched again); called from the client's
/// thread. Errors: those of Hub; kCorruptData - size or checksum differ, after a second try from
/// the start where the first one was pieced together; kExhausted - disk full. Every error leaves
/// what can be gone on from, and nothing under `path`.
Result<Checked> fetch_file(Hub& hub,
                           const Download& download,
                           const std::function<void(int64_t)>& on_bytes);

/// Compares a file that lies there with the listing; false where it differs.
Result<bool> is_intact(const std::string& path, const HubFile& file);

}  // namespace cupel::store
