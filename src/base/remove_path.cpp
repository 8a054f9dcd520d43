#include "base/remove_path.h"

#include <filesystem>

#include "base/error.h"
#include "base/io.h"

namespace cupel {

Result<Ok> remove_path(const std::string& path) {
  CUPEL_TRY(const bool there, path_exists(path));
  if (!there) {
    return Ok{};
  }
  const std::string partial = path + ".partial";
  std::error_code ec;
  std::filesystem::remove_all(partial, ec);
  std::filesystem::rename(path, partial, ec);
  if (!ec) {
    std::filesystem::remove_all(partial, ec);
  }
  if (ec) {
    return unavailable("{}: cannot be removed: {}", path, ec.message());
  }
  return Ok{};
}

}  // namespace cupel
