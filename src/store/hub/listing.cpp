#include "store/hub/listing.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "core/hub_reference.h"

namespace cupel::store {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 44;  // 16 TiB, beyond any model there is
constexpr size_t kMostFiles = 100'000;

Result<int64_t> read_size(const Json& object) {
  CUPEL_TRY(const int64_t size, get_int_or(object, "size", -1));
  const Json* said = object.find("size");
  if (size < -1 || size > kMostBytes || (size == -1 && said != nullptr && !said->is_null())) {
    return corrupt_data("size is {}; expected 0 to {}", size, kMostBytes);
  }
  return size;
}

// Absent, or digits of the right number.
Result<std::string> read_digest(const Json& object, std::string_view key, size_t digits) {
  CUPEL_TRY(std::string digest, get_string_or(object, key, ""));
  if (!digest.empty() && !is_hex(digest, digits)) {
    return corrupt_data("{} is \"{}\"; expected {} lower-case hex digits", key,
                        printable(digest, 80), digits);
  }
  return digest;
}

// The two endpoints call the same things by different names.
struct Names {
  std::string_view path;
  std::string_view git_sha1;
  std::string_view sha256;
};
constexpr Names kRevisionNames = {"rfilename", "blobId", "sha256"};
constexpr Names kTreeNames = {"path", "oid", "oid"};

Result<HubFile> parse_file(const Json& entry, const Names& names) {
  HubFile file;
  CUPEL_TRY(file.path, get_string(entry, names.path));
  CUPEL_TRY_VOID(check_repository_path(file.path));
  const auto fill = [&]() -> Result<Ok> {
    CUPEL_TRY(file.size, read_size(entry));
    const Json* large = entry.find("lfs");
    if (large != nullptr && large->is_object()) {
      // The blob of git is a pointer then, and no checksum of the file.
      CUPEL_TRY(const int64_t size, read_size(*large));
      file.size = size >= 0 ? size : file.size;
      CUPEL_TRY(file.sha256, read_digest(*large, names.sha256, 64));
    } else {
      CUPEL_TRY(file.git_sha1, read_digest(entry, names.git_sha1, 40));
    }
    return Ok{};
  };
  if (auto filled = fill(); !filled) {
    return in_context(std::move(filled).error(), "file \"" + printable(file.path, 120) + "\"");
  }
  return file;
}

Result<Ok> check_files(const std::vector<HubFile>& files) {
  if (files.size() > kMostFiles) {
    return corrupt_data("more than {} files", kMostFiles);
  }
  std::set<std::string_view> seen;
  for (const HubFile& file : files) {
    if (!seen.insert(file.path).second) {
      return corrupt_data("file \"{}\" is listed twice", printable(file.path, 120));
    }
  }
  return Ok{};
}

}  // namespace

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool HubListing::has_all_sizes() const {
  return std::all_of(files.begin(), files.end(),
                     [](const HubFile& file) { return file.size >= 0; });
}

Result<HubListing> parse_revision(const Json& answer) {
  HubListing listing;
  CUPEL_TRY(listing.commit, get_string(answer, "sha"));
  if (!is_hex(listing.commit, 40)) {
    return corrupt_data("sha is \"{}\"; expected the 40 hex digits of a commit",
                        printable(listing.commit, 80));
  }
  CUPEL_TRY(const Json* siblings, get_array(answer, "siblings"));
  for (const Json& entry : siblings->as_array()) {
    CUPEL_TRY(HubFile file, parse_file(entry, kRevisionNames));
    listing.files.push_back(std::move(file));
  }
  CUPEL_TRY_VOID(check_files(listing.files));
  return listing;
}

Result<Ok> append_tree(const Json& answer, std::vector<HubFile>& files) {
  if (!answer.is_array()) {
    return corrupt_data("is {}; expected an array of files", answer.type_name());
  }
  for (const Json& entry : answer.as_array()) {
    CUPEL_TRY(const std::string type, get_string(entry, "type"));
    if (type == "file") {
      CUPEL_TRY(HubFile file, parse_file(entry, kTreeNames));
      files.push_back(std::move(file));
    }
  }
  return check_files(files);
}

}  // namespace cupel::store
