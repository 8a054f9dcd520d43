#include "engine/model/open_checkpoint.h"

#include <filesystem>

#include "base/error.h"
#include "engine/model/hf/open_folder.h"

namespace cupel::engine {
namespace {

/// What a folder without config.json is instead. `has` says whether it holds a name.
template <typename Has>
Error not_a_model(const std::string& path, const Has& has) {
  if (has("adapter_config.json")) {
    return invalid_argument(
        "{}: is an adapter; write it into its model with cupel tune merge --model BASE --adapter "
        "{} --out FOLDER, and take that",
        path, path);
  }
  if (has("recipe.toml")) {
    return invalid_argument(
        "{}: is a run of cupel tune; {}", path,
        has("model")
            ? format("its model is {}/model", path)
            : format("cupel tune export {} --out FOLDER writes its adapter into the model", path));
  }
  return invalid_argument(
      "{}: is a folder; expected a file, or a folder with config.json, "
      "safetensors and tokenizer.json",
      path);
}

}  // namespace

Result<Checkpoint> open_checkpoint(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    const auto has = [&path, &ec](std::string_view name) {
      return std::filesystem::exists(std::filesystem::path(path) / name, ec);
    };
    return has("config.json") ? hf::open_folder(path) : not_a_model(path, has);
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
