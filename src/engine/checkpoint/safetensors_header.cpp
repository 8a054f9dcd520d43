#include "engine/checkpoint/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

static_assert(std::endian::native == std::endian::little, "read in place, little-endian");

constexpr std::string_view kDamaged = "the file is cut short or damaged: fetch it again";
constexpr uint64_t kLengthBytes = 8;
// The reference refuses headers beyond 100 MB; the largest published ones have a few MB. The number
// of values bounds what the parsed header occupies.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxValues = size_t{4} << 20U;
constexpr size_t kMaxDims = 8;
// Products beyond this lie in no file; it keeps them clear of overflow.
constexpr uint64_t kMaxElements = uint64_t{1} << 52U;

struct NamedType {
  std::string_view name;
  TensorType type;
};
constexpr NamedType kTypes[] = {
    {"F32", TensorType::kF32},        {"F16", TensorType::kF16},        {"BF16", TensorType::kBF16},
    {"F8_E4M3", TensorType::kF8E4M3}, {"F8_E5M2", TensorType::kF8E5M2}, {"F64", TensorType::kF64},
    {"I8", TensorType::kI8},          {"I16", TensorType::kI16},        {"I32", TensorType::kI32},
    {"I64", TensorType::kI64},        {"U8", TensorType::kU8},          {"U16", TensorType::kU16},
    {"U32", TensorType::kU32},        {"U64", TensorType::kU64},        {"BOOL", TensorType::kBool},
};

// What a file that is no safetensors seems to be, with the mend.
std::string_view foreign_format(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()),
                              std::min<size_t>(file.size(), 64));
  if (text.starts_with("version https://git-lfs")) {
    return "this is a Git LFS pointer: fetch the file that it points to (git lfs pull)";
  }
  if (text.starts_with("<") || text.starts_with("{\"error")) {
    return "this looks like a web page: the download went wrong, fetch the file again";
  }
  if (text.starts_with("PK\x03\x04")) {
    return "this looks like a PyTorch checkpoint: get the model as safetensors";
  }
  if (text.starts_with("GGUF")) {
    return "this is a GGUF file: open it as such";
  }
  return kDamaged;
}

/// Reads the entries of one header.
class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> file, const std::string& path)
      : file_(file), path_(path) {}

  Result<SafetensorsHeader> read() {
    CUPEL_TRY(const std::string_view text, header_text());
    auto json = parse_json(text, {.unique_keys = true, .max_values = kMaxValues});
    if (!json) {
      return in_context(std::move(json).error(), format("{}: the header at byte 8", path_));
    }
    if (!json->is_object()) {
      return corrupt_data("{}: the header at byte 8 is {}; expected an object of tensors; {}",
                          path_, json->type_name(), kDamaged);
    }
    begin_ = kLengthBytes + text.size();
    for (const auto& [name, value] : json->as_object()) {
      CUPEL_TRY_VOID(name == "__metadata__" ? read_metadata(value) : read_entry(name, value));
    }
    CUPEL_TRY_VOID(check_cover());
    return std::move(header_);
  }

 private:
  Result<std::string_view> header_text() const {
    if (file_.size() < kLengthBytes) {
      return corrupt_data(
          "{}: has {} bytes; expected the header's length in the first {}; {}", path_, file_.size(),
          kLengthBytes,
          file_.empty() ? "the file is empty: fetch it again" : foreign_format(file_));
    }
    uint64_t length = 0;
    std::memcpy(&length, file_.data(), sizeof length);
    if (length > kMaxHeaderBytes || length > file_.size() - kLengthBytes) {
      return corrupt_data(
          "{}: the header's length at byte 0 is {}; expected at most {} and no more than the {} "
          "bytes left; {}",
          path_, length, kMaxHeaderBytes, file_.size() - kLengthBytes, foreign_format(file_));
    }
    const std::string_view text(reinterpret_cast<const char*>(file_.data()) + kLengthBytes, length);
    if (!text.starts_with('{')) {
      return corrupt_data("{}: the header at byte 8 does not begin with \"{{\"; {}", path_,
                          foreign_format(file_));
    }
    return text;
  }

  Result<Ok> read_metadata(const Json& value) {
    if (!value.is_object()) {
      return corrupt_data("{}: \"__metadata__\" is {}; expected an object of strings; {}", path_,
                          value.type_name(), kDamaged);
    }
    for (const auto& [key, text] : value.as_object()) {
      if (!text.is_string()) {
        return corrupt_data("{}: \"__metadata__\": \"{}\" is {}; expected a string; {}", path_,
                            printable(key), text.type_name(), kDamaged);
      }
      header_.metadata.emplace_back(key, text.as_string());
    }
    return Ok{};
  }

  Result<Ok> read_entry(const std::string& name, const Json& value) {
    if (name.empty()) {
      return corrupt_data("{}: a tensor has an empty name; {}", path_, kDamaged);
    }
    if (!value.is_object()) {
      return wrong(name, "is {}; expected an object with dtype, shape and data_offsets",
                   value.type_name());
    }
    SafetensorsEntry entry;
    entry.name = name;
    CUPEL_TRY(entry.type, read_type(name, value));
    CUPEL_TRY_VOID(read_shape(value, entry));
    CUPEL_TRY_VOID(read_range(value, entry));
    header_.entries.push_back(std::move(entry));
    return Ok{};
  }

  Result<TensorType> read_type(const std::string& name, const Json& value) const {
    const Json* dtype = value.find("dtype");
    if (dtype == nullptr || !dtype->is_string()) {
      return wrong(name, "has no dtype; expected a name such as \"BF16\"");
    }
    const auto* const known = std::ranges::find(kTypes, dtype->as_string(), &NamedType::name);
    if (known == std::end(kTypes)) {
      return unsupported(
          "{}: tensor \"{}\": dtype \"{}\" is not supported; expected F32, F16, BF16, F64, "
          "F8_E4M3, F8_E5M2, BOOL or an integer type",
          path_, printable(name), printable(dtype->as_string()));
    }
    return known->type;
  }

  Result<Ok> read_shape(const Json& value, SafetensorsEntry& entry) const {
    const Json* shape = value.find("shape");
    if (shape == nullptr || !shape->is_array() || shape->size() > kMaxDims) {
      return wrong(entry.name, "has no usable shape; expected an array of at most {} sizes",
                   kMaxDims);
    }
    uint64_t elements = 1;  // of the dimensions that are not 0, so that a 0 hides no overflow
    for (const Json& item : shape->as_array()) {
      const int64_t dim = item.is_int() ? item.as_int() : -1;
      if (dim < 0 || static_cast<uint64_t>(dim) > kMaxElements / elements) {
        return wrong(entry.name, "has a shape with the size {}; expected sizes that fit in a file",
                     item.is_int() ? std::to_string(dim) : std::string(item.type_name()));
      }
      elements *= std::max<uint64_t>(1, static_cast<uint64_t>(dim));
      entry.shape.push_back(static_cast<uint64_t>(dim));
    }
    entry.size = tensor_type_info(entry.type).block_bytes;
    for (const uint64_t dim : entry.shape) {
      entry.size *= dim;
    }
    return Ok{};
  }

  Result<Ok> read_range(const Json& value, SafetensorsEntry& entry) const {
    const Json* range = value.find("data_offsets");
    const bool pair = range != nullptr && range->is_array() && range->size() == 2 &&
                      range->as_array()[0].is_int() && range->as_array()[1].is_int();
    if (!pair) {
      return wrong(entry.name, "has no data_offsets; expected [begin, end]");
    }
    const int64_t begin = range->as_array()[0].as_int();
    const int64_t end = range->as_array()[1].as_int();
    const uint64_t section = file_.size() - begin_;
    if (begin < 0 || end < begin || static_cast<uint64_t>(end) > section) {
      return wrong(entry.name, "has data_offsets [{}, {}], but the data section has {} bytes",
                   begin, end, section);
    }
    if (static_cast<uint64_t>(end - begin) != entry.size) {
      return wrong(entry.name, "has {} bytes of data; its shape and dtype {} ask for {}",
                   end - begin, tensor_type_name(entry.type), entry.size);
    }
    entry.offset = begin_ + static_cast<uint64_t>(begin);
    return Ok{};
  }

  // The format asks for data without holes: nothing overlaps, nothing is hidden between tensors.
  Result<Ok> check_cover() {
    std::ranges::sort(header_.entries, [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
      return std::tie(a.offset, a.size, a.name) < std::tie(b.offset, b.size, b.name);
    });
    uint64_t end = begin_;
    std::string_view before = "the header";
    for (const SafetensorsEntry& entry : header_.entries) {
      if (entry.offset != end) {
        return wrong(entry.name, "begins at byte {} of the file and {} \"{}\", which ends at {}",
                     entry.offset, entry.offset < end ? "overlaps" : "leaves a gap after",
                     printable(before), end);
      }
      end = entry.offset + entry.size;
      before = entry.name;
    }
    if (end != file_.size()) {
      return corrupt_data("{}: {} bytes after the last tensor belong to none; {}", path_,
                          file_.size() - end, kDamaged);
    }
    return Ok{};
  }

  template <typename... Args>
  Error wrong(std::string_view name, std::string_view pattern, const Args&... args) const {
    return corrupt_data("{}: tensor \"{}\" {}; {}", path_, printable(name),
                        format(pattern, args...), kDamaged);
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  uint64_t begin_ = 0;  // of the data section
  SafetensorsHeader header_;
};

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::span<const std::byte> file,
                                                   const std::string& path) {
  return HeaderReader(file, path).read();
}

}  // namespace cupel::engine
