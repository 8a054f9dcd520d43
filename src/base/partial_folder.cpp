#include "base/partial_folder.h"

#include <filesystem>
#include <utility>

#include <unistd.h>

#include "base/error.h"
#include "base/io.h"

namespace cupel {

PartialFolder::PartialFolder(std::string path, std::string partial)
    : path_(std::move(path)), partial_(std::move(partial)) {}

Result<PartialFolder> PartialFolder::create(const std::string& path) {
  std::error_code ec;
  const bool there =
      std::filesystem::symlink_status(path, ec).type() != std::filesystem::file_type::not_found;
  if (there && !(std::filesystem::is_directory(path, ec) && std::filesystem::is_empty(path, ec))) {
    return failed_precondition("{}: is there already; name a new folder, or remove it first", path);
  }
  std::string plain = path;
  while (plain.size() > 1 && plain.ends_with('/')) {
    plain.pop_back();
  }
  PartialFolder folder(plain, format("{}.{}.partial", plain, getpid()));
  std::filesystem::create_directory(folder.partial_, ec);
  if (ec) {
    return ec == std::errc::no_such_file_or_directory
               ? not_found("{}: the folder in which it should stand does not exist", path)
               : unavailable("{}: cannot be created ({})", path, ec.message());
  }
  folder.owned_ = true;
  return folder;
}

PartialFolder::PartialFolder(PartialFolder&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      owned_(std::exchange(other.owned_, false)) {}

PartialFolder::~PartialFolder() {
  if (owned_) {
    std::error_code ec;
    std::filesystem::remove_all(partial_, ec);
  }
}

Result<Ok> PartialFolder::write(std::string_view name, std::string_view content) const {
  return write_file_atomic(format("{}/{}", partial_, name), content);
}

Result<Ok> PartialFolder::write_json(std::string_view name, const Json& json, int indent) const {
  return write(name, dump_json(json, {.indent = indent}) + "\n");
}

Result<Ok> PartialFolder::commit() {
  std::error_code ec;
  std::filesystem::rename(partial_, path_, ec);  // takes the place of an empty folder
  if (ec) {
    return unavailable("{}: cannot be put in place ({})", path_, ec.message());
  }
  owned_ = false;
  return Ok{};
}

}  // namespace cupel
