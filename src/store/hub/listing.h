#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::store {

/// A file of a repository as the hub lists it.
struct HubFile {
  std::string path;      ///< fit to name a file below a folder (check_repository_path)
  int64_t size = -1;     ///< bytes; -1 where the listing does not say
  std::string sha256;    ///< 64 lower-case hex digits; empty for files that git itself holds
  std::string git_sha1;  ///< 40 digits: SHA-1 of "blob SIZE\0" and the content; empty where unknown
};

/// What a revision of a repository holds.
struct HubListing {
  std::string commit;  ///< 40 lower-case hex digits
  std::vector<HubFile> files;

  [[nodiscard]] bool has_all_sizes() const;
};

/// Reads the answer of `/api/models/ORG/NAME/revision/REV?blobs=true` in the form of the Hugging
/// Face hub. Errors: kCorruptData - a member is absent, a name leads out of the folder or is there
/// twice, a size is negative or absurd (above 16 TiB), more than 100,000 files.
Result<HubListing> parse_revision(const Json& answer);

/// Reads one page of `/api/models/ORG/NAME/tree/COMMIT?recursive=true` and appends its files.
/// Errors: as parse_revision, over all pages together.
Result<Ok> append_tree(const Json& answer, std::vector<HubFile>& files);

/// Whether the text is of so many lower-case hex digits.
bool is_hex(std::string_view text, size_t digits);

}  // namespace cupel::store
