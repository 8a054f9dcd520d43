#include "engine/model/open_checkpoint.h"

#include <filesystem>

#include "base/error.h"
#include "engine/model/hf/open_folder.h"

namespace cupel::engine {

Result<Checkpoint> open_checkpoint(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    if (!std::filesystem::exists(std::filesystem::path(path) / "config.json", ec)) {
      return invalid_argument(
          "{}: is a folder; expected a file, or a folder with config.json, "
          "safetensors and tokenizer.json",
          path);
    }
    return hf::open_folder(path);
  }
  if (path.ends_with(".safetensors") || path.ends_with(".safetensors.index.json")) {
    return invalid_argument(
        "{}: weights alone are no model; give the folder that also holds "
        "config.json and the tokenizer",
        path);
  }
  return Checkpoint::open(path);
}

}  // namespace cupel::engine
