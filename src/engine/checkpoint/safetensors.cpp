#include "engine/checkpoint/safetensors.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/checkpoint/safetensors_header.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
// The largest published checkpoints have some hundred shards and 10^5 tensors.
constexpr size_t kMaxShards = 4096;
constexpr size_t kMaxIndexBytes = size_t{64} << 20U;
constexpr size_t kMaxIndexValues = size_t{2} << 20U;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

/// Whether an index may name this file: a plain name, so that it reaches nothing but its own
/// folder.
bool is_plain_name(std::string_view name) {
  constexpr std::string_view kForbidden("/\\\0", 3);
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

struct Listed {
  std::string name;
  std::string file;
};

Result<std::vector<Listed>> read_index(const std::string& path, const std::string& text) {
  auto json = parse_json(text, {.unique_keys = true, .max_values = kMaxIndexValues});
  if (!json) {
    return in_file(std::move(json).error(), path);
  }
  const Json* map = json->find("weight_map");
  if (map == nullptr || !map->is_object() || map->size() == 0) {
    return corrupt_data("{}: has no \"weight_map\"; expected an object of tensor names and files",
                        path);
  }
  std::vector<Listed> listed;
  for (const auto& [name, file] : map->as_object()) {
    if (!file.is_string() || !is_plain_name(file.as_string())) {
      return corrupt_data(
          "{}: weight_map.\"{}\" is {}; expected the name of a file in the same folder", path,
          printable(name),
          file.is_string() ? format("\"{}\"", printable(file.as_string()))
                           : std::string(file.type_name()));
    }
    listed.push_back({name, file.as_string()});
  }
  return listed;
}

}  // namespace

uint64_t SafetensorsTensor::elements() const {
  uint64_t product = 1;
  for (const uint64_t dim : shape) {
    product *= dim;
  }
  return product;
}

std::string SafetensorsTensor::shape_text() const {
  std::string text = "[";
  for (size_t d = 0; d < shape.size(); ++d) {
    text += format("{}{}", d == 0 ? "" : ", ", shape[d]);
  }
  return text + "]";
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  CUPEL_TRY(const bool folder, is_folder(path));
  if (folder) {
    const std::string single = format("{}/{}", path, kSingle);
    const std::string index = format("{}/{}", path, kIndex);
    CUPEL_TRY(const bool has_single, path_exists(single));
    CUPEL_TRY(const bool has_index, path_exists(index));
    if (!has_single && !has_index) {
      return not_found("{}: holds neither {} nor {}; give a folder of a safetensors checkpoint",
                       path, kSingle, kIndex);
    }
    return open_file(has_single ? single : index);
  }
  return open_file(path);
}

Result<SafetensorsFile> SafetensorsFile::open_file(const std::string& path) {
  if (path.ends_with(".json")) {
    return open_index(path);
  }
  CUPEL_TRY(MappedFile mapping, MappedFile::open(path));
  SafetensorsFile file;
  file.path_ = path;
  const std::span<const std::byte> bytes = mapping.bytes();
  CUPEL_TRY_VOID(file.add_shard({path, std::move(mapping), bytes}));
  file.index_names();
  return file;
}

Result<SafetensorsFile> SafetensorsFile::from_bytes(std::span<const std::byte> bytes,
                                                    std::string path) {
  SafetensorsFile file;
  file.path_ = path;
  CUPEL_TRY_VOID(file.add_shard({std::move(path), std::nullopt, bytes}));
  file.index_names();
  return file;
}

Result<SafetensorsFile> SafetensorsFile::open_index(const std::string& path) {
  SafetensorsFile file;
  file.path_ = path;
  {
    CUPEL_TRY(const MappedFile mapping, MappedFile::open(path));
    if (mapping.bytes().size() > kMaxIndexBytes) {
      return corrupt_data("{}: has {} bytes; expected an index of at most {}", path,
                          mapping.bytes().size(), kMaxIndexBytes);
    }
    file.index_.assign(reinterpret_cast<const char*>(mapping.bytes().data()),
                       mapping.bytes().size());
  }
  CUPEL_TRY(const std::vector<Listed> listed, read_index(path, file.index_));
  std::vector<std::string> names;
  std::unordered_map<std::string_view, std::string_view> file_of;
  for (const Listed& entry : listed) {
    names.push_back(entry.file);
    file_of.emplace(entry.name, entry.file);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > kMaxShards) {
    return corrupt_data("{}: names {} files; expected at most {}", path, names.size(), kMaxShards);
  }
  const std::string folder = folder_of(path);
  for (const std::string& name : names) {
    auto mapping = MappedFile::open(folder + name);
    if (!mapping) {
      return in_context(std::move(mapping).error(), format("{}: a file of its weight_map", path));
    }
    const std::span<const std::byte> bytes = mapping->bytes();
    const size_t first = file.tensors_.size();
    CUPEL_TRY_VOID(file.add_shard({folder + name, std::move(*mapping), bytes}));
    // The index decides which of a shard's tensors belong to the checkpoint.
    const auto elsewhere = [&](const SafetensorsTensor& tensor) {
      const auto at = file_of.find(tensor.name);
      return at == file_of.end() || at->second != name;
    };
    const auto begin = file.tensors_.begin() + static_cast<ptrdiff_t>(first);
    file.tensors_.erase(std::remove_if(begin, file.tensors_.end(), elsewhere), file.tensors_.end());
  }
  file.index_names();
  for (const Listed& entry : listed) {
    if (file.find_tensor(entry.name) == nullptr) {
      return corrupt_data(
          "{}: weight_map says that {} holds the tensor \"{}\", but it does not; the files are not "
          "of one checkpoint: fetch them again",
          path, entry.file, printable(entry.name));
    }
  }
  return file;
}

Result<Ok> SafetensorsFile::add_shard(Shard shard) {
  CUPEL_TRY(SafetensorsHeader header, parse_safetensors_header(shard.bytes, shard.path));
  const auto index = static_cast<uint32_t>(shards_.size());
  for (SafetensorsEntry& entry : header.entries) {
    names_.push_back(std::make_unique<const std::string>(std::move(entry.name)));
    tensors_.push_back({.name = *names_.back(),
                        .type = entry.type,
                        .shape = std::move(entry.shape),
                        .shard = index,
                        .offset = entry.offset,
                        .data = shard.bytes.subspan(entry.offset, entry.size)});
  }
  for (auto& [key, value] : header.metadata) {
    if (metadata_keys_.insert(key).second) {
      metadata_.emplace_back(std::move(key), std::move(value));
    }
  }
  shards_.push_back(std::move(shard));
  return Ok{};
}

void SafetensorsFile::index_names() {
  by_name_.reserve(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    by_name_.emplace(tensors_[i].name, i);
  }
}

std::vector<std::string> SafetensorsFile::paths() const {
  std::vector<std::string> result;
  for (const Shard& shard : shards_) {
    result.push_back(shard.path);
  }
  return result;
}

uint64_t SafetensorsFile::size_bytes() const {
  uint64_t total = index_.size();
  for (const Shard& shard : shards_) {
    total += shard.bytes.size();
  }
  return total;
}

const SafetensorsTensor* SafetensorsFile::find_tensor(std::string_view name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : &tensors_[at->second];
}

Result<const SafetensorsTensor*> SafetensorsFile::get_tensor(std::string_view name) const {
  if (const SafetensorsTensor* tensor = find_tensor(name); tensor != nullptr) {
    return tensor;
  }
  return corrupt_data(
      "{}: has no tensor \"{}\" among its {}; the checkpoint is incomplete or of another "
      "architecture",
      path_, name, tensors_.size());
}

const std::string& SafetensorsFile::fingerprint() const {
  constexpr size_t kPiece = size_t{4} << 20U;
  std::call_once(fingerprint_->once, [&] {
    Fingerprint all;
    all.add(std::as_bytes(std::span(index_)));
    for (const Shard& shard : shards_) {
      for (size_t at = 0; at < shard.bytes.size(); at += kPiece) {
        const auto piece = shard.bytes.subspan(at, std::min(kPiece, shard.bytes.size() - at));
        all.add(piece);
        release(piece);
      }
    }
    fingerprint_->value = all.hex();
  });
  return fingerprint_->value;
}

const SafetensorsFile::Shard* SafetensorsFile::shard_of(std::span<const std::byte> part) const {
  const auto holds = [&](const Shard& shard) {
    // Compared as numbers: the ranges belong to different mappings.
    const auto begin = reinterpret_cast<uintptr_t>(shard.bytes.data());
    const auto at = reinterpret_cast<uintptr_t>(part.data());
    return at >= begin && at - begin < shard.bytes.size();
  };
  const auto found = std::ranges::find_if(shards_, holds);
  return found == shards_.end() ? nullptr : &*found;
}

void SafetensorsFile::expect(std::span<const std::byte> part) const {
  if (const Shard* shard = shard_of(part); shard != nullptr && shard->mapping) {
    shard->mapping->expect(part);
  }
}

void SafetensorsFile::release(std::span<const std::byte> part) const {
  if (const Shard* shard = shard_of(part); shard != nullptr && shard->mapping) {
    shard->mapping->release(part);
  }
}

void SafetensorsFile::release_all() const {
  for (const Shard& shard : shards_) {
    release(shard.bytes);
  }
}

}  // namespace cupel::engine
