#include "engine/checkpoint/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "engine/checkpoint/gguf_parse.h"

namespace cupel::engine {
namespace {

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Calls `visit(number)` with a scalar in its own C++ type; false for bool, string and array.
template <typename Visit>
bool visit_number(GgufType type, const std::byte* at, Visit visit) {
  switch (type) {
    case GgufType::kU8:
      visit(load<uint8_t>(at));
      return true;
    case GgufType::kI8:
      visit(load<int8_t>(at));
      return true;
    case GgufType::kU16:
      visit(load<uint16_t>(at));
      return true;
    case GgufType::kI16:
      visit(load<int16_t>(at));
      return true;
    case GgufType::kU32:
      visit(load<uint32_t>(at));
      return true;
    case GgufType::kI32:
      visit(load<int32_t>(at));
      return true;
    case GgufType::kU64:
      visit(load<uint64_t>(at));
      return true;
    case GgufType::kI64:
      visit(load<int64_t>(at));
      return true;
    case GgufType::kF32:
      visit(load<float>(at));
      return true;
    case GgufType::kF64:
      visit(load<double>(at));
      return true;
    case GgufType::kBool:
    case GgufType::kString:
    case GgufType::kArray:
      return false;
  }
  return false;
}

template <typename T>
std::optional<T> to_integer(GgufType type, const std::byte* at) {
  std::optional<T> result;
  visit_number(type, at, [&](auto number) {
    if constexpr (std::is_integral_v<decltype(number)>) {
      if (std::in_range<T>(number)) {
        result = static_cast<T>(number);
      }
    }
  });
  return result;
}

std::optional<double> to_double(GgufType type, const std::byte* at) {
  std::optional<double> result;
  visit_number(type, at, [&](auto number) { result = static_cast<double>(number); });
  return result;
}

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<size_t>(type)];
}

size_t gguf_type_bytes(GgufType type) {
  constexpr uint8_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kBytes[static_cast<size_t>(type)];
}

std::optional<uint64_t> GgufValue::to_u64() const {
  return to_integer<uint64_t>(type, bytes.data());
}

std::optional<int64_t> GgufValue::to_i64() const {
  return to_integer<int64_t>(type, bytes.data());
}

std::optional<double> GgufValue::to_f64() const {
  return to_double(type, bytes.data());
}

std::optional<bool> GgufValue::to_bool() const {
  if (type != GgufType::kBool) {
    return std::nullopt;
  }
  return bytes[0] != std::byte{0};
}

std::optional<std::string_view> GgufValue::to_string() const {
  if (type != GgufType::kString) {
    return std::nullopt;
  }
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string GgufValue::type_name() const {
  if (type == GgufType::kArray) {
    return format("array of {} {}", count, gguf_type_name(element_type));
  }
  return std::string(gguf_type_name(type));
}

std::string CheckpointTensor::shape() const {
  std::string text = "[";
  for (uint32_t d = 0; d < num_dims; ++d) {
    text += format("{}{}", d == 0 ? "" : ", ", dims[d]);
  }
  return text + "]";
}

Result<Checkpoint> Checkpoint::open(const std::string& path) {
  CUPEL_TRY(MappedFile mapping, MappedFile::open(path));
  CUPEL_TRY(Checkpoint file, from_bytes(mapping.bytes(), path));
  file.mapping_ = std::move(mapping);
  return file;
}

Result<Checkpoint> Checkpoint::from_bytes(std::span<const std::byte> bytes, std::string path) {
  return GgufParser(bytes, std::move(path)).parse();
}

const GgufValue* Checkpoint::find(std::string_view key) const {
  const auto it = keys_.find(key);
  return it == keys_.end() ? nullptr : &metadata_[it->second].value;
}

const CheckpointTensor* Checkpoint::find_tensor(std::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? nullptr : &tensors_[it->second];
}

Result<const CheckpointTensor*> Checkpoint::get_tensor(std::string_view name) const {
  if (const CheckpointTensor* tensor = find_tensor(name); tensor != nullptr) {
    return tensor;
  }
  return corrupt_data(
      "{}: has no tensor \"{}\" among its {}; the file is incomplete or of another "
      "architecture",
      path_, name, tensors_.size());
}

Result<const GgufValue*> Checkpoint::require(std::string_view key) const {
  if (const GgufValue* value = find(key); value != nullptr) {
    return value;
  }
  return corrupt_data(
      "{}: metadata key \"{}\" is missing; convert the model again with a current tool", path_,
      key);
}

Error Checkpoint::mistyped(std::string_view key, std::string_view expected) const {
  return corrupt_data(
      "{}: metadata key \"{}\" is {}; expected {}; convert the model again with a current "
      "tool",
      path_, key, find(key)->type_name(), expected);
}

Result<uint64_t> Checkpoint::get_u64(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  if (const auto number = value->to_u64()) {
    return *number;
  }
  return mistyped(key, "an integer of at least 0");
}

Result<int64_t> Checkpoint::get_i64(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  if (const auto number = value->to_i64()) {
    return *number;
  }
  return mistyped(key, "an integer");
}

Result<double> Checkpoint::get_f64(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  if (const auto number = value->to_f64()) {
    return *number;
  }
  return mistyped(key, "a number");
}

Result<bool> Checkpoint::get_bool(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  if (const auto flag = value->to_bool()) {
    return *flag;
  }
  return mistyped(key, "bool");
}

Result<std::string> Checkpoint::get_string(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  if (const auto text = value->to_string()) {
    return std::string(*text);
  }
  return mistyped(key, "string");
}

Result<std::vector<std::string_view>> Checkpoint::get_string_array(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  if (value->type != GgufType::kArray || value->element_type != GgufType::kString) {
    return mistyped(key, "array of string");
  }
  std::vector<std::string_view> result;
  result.reserve(value->count);
  const std::byte* at = value->bytes.data();
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto length = load<uint64_t>(at);
    result.emplace_back(reinterpret_cast<const char*>(at) + sizeof length, length);
    at += sizeof length + length;
  }
  return result;
}

Result<std::vector<float>> Checkpoint::get_f32_array(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  const size_t size = gguf_type_bytes(value->element_type);
  if (value->type != GgufType::kArray || (size == 0 && value->count > 0)) {
    return mistyped(key, "array of numbers");
  }
  std::vector<float> result;
  result.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto number = to_double(value->element_type, value->bytes.data() + i * size);
    if (!number) {
      return mistyped(key, "array of numbers");
    }
    result.push_back(static_cast<float>(*number));
  }
  return result;
}

Result<std::vector<int32_t>> Checkpoint::get_i32_array(std::string_view key) const {
  CUPEL_TRY(const GgufValue* value, require(key));
  const size_t size = gguf_type_bytes(value->element_type);
  if (value->type != GgufType::kArray || (size == 0 && value->count > 0)) {
    return mistyped(key, "array of integers");
  }
  const bool flags = value->element_type == GgufType::kBool;
  std::vector<int32_t> result;
  result.reserve(value->count);
  for (uint64_t i = 0; i < value->count; ++i) {
    const auto number = to_integer<int32_t>(flags ? GgufType::kU8 : value->element_type,
                                            value->bytes.data() + i * size);
    if (!number) {
      return mistyped(key, "array of integers of 32 bits");
    }
    result.push_back(*number);
  }
  return result;
}

Result<uint64_t> Checkpoint::get_u64_or(std::string_view key, uint64_t fallback) const {
  return contains(key) ? get_u64(key) : Result<uint64_t>(fallback);
}

Result<double> Checkpoint::get_f64_or(std::string_view key, double fallback) const {
  return contains(key) ? get_f64(key) : Result<double>(fallback);
}

Result<bool> Checkpoint::get_bool_or(std::string_view key, bool fallback) const {
  return contains(key) ? get_bool(key) : Result<bool>(fallback);
}

Result<std::string> Checkpoint::get_string_or(std::string_view key,
                                              std::string_view fallback) const {
  return contains(key) ? get_string(key) : Result<std::string>(std::string(fallback));
}

Result<Checkpoint> Checkpoint::assemble(std::string path,
                                        std::string header,
                                        std::vector<ForeignTensor> tensors,
                                        std::unique_ptr<const TensorStorage> storage) {
  auto foreign =
      std::make_unique<Foreign>(Foreign{std::move(header), std::move(tensors), std::move(storage)});
  CUPEL_TRY(Checkpoint file,
            from_bytes(std::as_bytes(std::span<const char>(foreign->header)), std::move(path)));
  for (const ForeignTensor& tensor : foreign->tensors) {
    if (!file.names_.emplace(tensor.name, file.tensors_.size()).second) {
      return corrupt_data("{}: two tensors become \"{}\"", file.path_, tensor.name);
    }
    file.tensors_.push_back({.name = tensor.name,
                             .type = tensor.type,
                             .num_dims = tensor.num_dims,
                             .dims = tensor.dims,
                             .offset = tensor.offset,
                             .data = tensor.data});
  }
  file.foreign_ = std::move(foreign);
  return file;
}

const std::string& Checkpoint::fingerprint() const {
  if (foreign()) {
    return foreign_->storage->fingerprint();
  }
  constexpr size_t kPiece = size_t{4} << 20U;
  std::call_once(fingerprint_->once, [&] {
    Fingerprint all;
    for (size_t at = 0; at < bytes_.size(); at += kPiece) {
      const auto piece = bytes_.subspan(at, std::min(kPiece, bytes_.size() - at));
      all.add(piece);
      release(piece);
    }
    fingerprint_->value = all.hex();
  });
  return fingerprint_->value;
}

void Checkpoint::expect(std::span<const std::byte> part) const {
  if (foreign()) {
    foreign_->storage->expect(part);
  } else if (mapping_) {
    mapping_->expect(part);
  }
}

void Checkpoint::release(std::span<const std::byte> part) const {
  if (foreign()) {
    foreign_->storage->release(part);
  } else if (mapping_) {
    mapping_->release(part);
  }
}

void Checkpoint::release_all() const {
  if (foreign()) {
    foreign_->storage->release_all();
  } else {
    release(bytes_);
  }
}

}  // namespace cupel::engine
