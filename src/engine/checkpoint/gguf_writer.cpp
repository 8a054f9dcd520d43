#include "engine/checkpoint/gguf_writer.h"

#include <algorithm>
#include <type_traits>

#include "base/check.h"

namespace cupel::engine {
namespace {

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_string(std::string& out, std::string_view text) {
  append(out, static_cast<uint64_t>(text.size()));
  out += text;
}

void append_type(std::string& out, GgufType type) {
  append(out, static_cast<uint32_t>(type));
}

template <typename T>
constexpr GgufType type_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return GgufType::kBool;
  } else if constexpr (std::is_same_v<T, float>) {
    return GgufType::kF32;
  } else if constexpr (std::is_same_v<T, double>) {
    return GgufType::kF64;
  } else {
    constexpr GgufType kUnsigned[] = {GgufType::kU8, GgufType::kU16, GgufType::kU32,
                                      GgufType::kU64};
    constexpr GgufType kSigned[] = {GgufType::kI8, GgufType::kI16, GgufType::kI32, GgufType::kI64};
    constexpr size_t kIndex = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? kSigned[kIndex] : kUnsigned[kIndex];
  }
}

}  // namespace

uint64_t GgufTensorPlan::size_bytes() const {
  uint64_t rows = 1;
  for (size_t d = 1; d < dims.size(); ++d) {
    rows *= dims[d];
  }
  return rows * row_bytes(type, dims[0]);
}

GgufHeader::GgufHeader(uint32_t alignment) : alignment_(alignment) {
  CUPEL_CHECK(alignment > 0 && alignment % 8 == 0, "GGUF alignment is a positive multiple of 8");
  if (alignment != 32) {
    set("general.alignment", alignment);
  }
}

template <typename T>
void GgufHeader::set(std::string_view key, T value) {
  std::string encoded;
  append_type(encoded, type_of<T>());
  append(encoded, value);
  put(key, std::move(encoded));
}

template <typename T>
void GgufHeader::set_array(std::string_view key, std::span<const T> values) {
  std::string encoded;
  append_type(encoded, GgufType::kArray);
  append_type(encoded, type_of<T>());
  append(encoded, static_cast<uint64_t>(values.size()));
  for (const T value : values) {
    append(encoded, value);
  }
  put(key, std::move(encoded));
}

#define CUPEL_GGUF_NUMBER(T)                             \
  template void GgufHeader::set<T>(std::string_view, T); \
  template void GgufHeader::set_array<T>(std::string_view, std::span<const T>);
CUPEL_GGUF_NUMBER(bool)
CUPEL_GGUF_NUMBER(uint8_t)
CUPEL_GGUF_NUMBER(int8_t)
CUPEL_GGUF_NUMBER(uint16_t)
CUPEL_GGUF_NUMBER(int16_t)
CUPEL_GGUF_NUMBER(uint32_t)
CUPEL_GGUF_NUMBER(int32_t)
CUPEL_GGUF_NUMBER(uint64_t)
CUPEL_GGUF_NUMBER(int64_t)
CUPEL_GGUF_NUMBER(float)
CUPEL_GGUF_NUMBER(double)
#undef CUPEL_GGUF_NUMBER

void GgufHeader::set_string(std::string_view key, std::string_view value) {
  std::string encoded;
  append_type(encoded, GgufType::kString);
  append_string(encoded, value);
  put(key, std::move(encoded));
}

void GgufHeader::set_string_array(std::string_view key, std::span<const std::string_view> values) {
  std::string encoded;
  append_type(encoded, GgufType::kArray);
  append_type(encoded, GgufType::kString);
  append(encoded, static_cast<uint64_t>(values.size()));
  for (const std::string_view value : values) {
    append_string(encoded, value);
  }
  put(key, std::move(encoded));
}

void GgufHeader::set_value(std::string_view key, const GgufValue& value) {
  const std::string_view raw(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  std::string encoded;
  append_type(encoded, value.type);
  if (value.type == GgufType::kArray) {
    append_type(encoded, value.element_type);
    append(encoded, value.count);
  } else if (value.type == GgufType::kString) {
    append(encoded, static_cast<uint64_t>(raw.size()));
  }
  put(key, encoded.append(raw));
}

void GgufHeader::put(std::string_view key, std::string encoded) {
  const auto same = std::find_if(entries_.begin(), entries_.end(),
                                 [&](const Entry& entry) { return entry.key == key; });
  if (same != entries_.end()) {
    same->encoded = std::move(encoded);
  } else {
    entries_.push_back({std::string(key), std::move(encoded)});
  }
}

void GgufHeader::set_all(const GgufHeader& other) {
  for (const Entry& entry : other.entries_) {
    put(entry.key, entry.encoded);
  }
}

void GgufHeader::add_tensor(GgufTensorPlan tensor) {
  CUPEL_CHECK(!tensor.dims.empty() && tensor.dims.size() <= 4,
              "a GGUF tensor has 1 to 4 dimensions");
  tensors_.push_back(std::move(tensor));
}

uint64_t GgufHeader::padded(uint64_t size) const {
  return (size + alignment_ - 1) / alignment_ * alignment_;
}

std::string GgufHeader::encode() const {
  std::string out = "GGUF";
  append(out, uint32_t{3});
  append(out, static_cast<uint64_t>(tensors_.size()));
  append(out, static_cast<uint64_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    append_string(out, entry.key);
    out += entry.encoded;
  }
  uint64_t offset = 0;
  for (const GgufTensorPlan& tensor : tensors_) {
    append_string(out, tensor.name);
    append(out, static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t dim : tensor.dims) {
      append(out, dim);
    }
    append(out, static_cast<uint32_t>(tensor.type));
    append(out, offset);
    offset += padded(tensor.size_bytes());
  }
  out.resize(padded(out.size()));
  return out;
}

Result<GgufWriter> GgufWriter::create(const std::string& path, GgufHeader header) {
  CUPEL_TRY(AtomicFile file, AtomicFile::create(path));
  const std::string encoded = header.encode();
  CUPEL_TRY_VOID(file.append(encoded));
  GgufWriter writer(std::move(file), std::move(header));
  writer.bytes_written_ = encoded.size();
  return writer;
}

Result<Ok> GgufWriter::write(std::span<const std::byte> piece) {
  CUPEL_CHECK(tensor_ < header_.tensors().size(), "GgufWriter: bytes after the last tensor");
  const uint64_t size = header_.tensors()[tensor_].size_bytes();
  CUPEL_CHECK(piece.size() <= size - tensor_written_,
              "GgufWriter: a piece crosses into the next tensor");
  CUPEL_TRY_VOID(file_.append({reinterpret_cast<const char*>(piece.data()), piece.size()}));
  tensor_written_ += piece.size();
  bytes_written_ += piece.size();
  if (tensor_written_ == size) {
    const std::string padding(header_.padded(size) - size, '\0');
    CUPEL_TRY_VOID(file_.append(padding));
    bytes_written_ += padding.size();
    tensor_written_ = 0;
    ++tensor_;
  }
  return Ok{};
}

Result<Ok> GgufWriter::close() {
  CUPEL_CHECK(tensor_ == header_.tensors().size(), "GgufWriter: closed before the last tensor");
  return file_.commit();
}

}  // namespace cupel::engine
