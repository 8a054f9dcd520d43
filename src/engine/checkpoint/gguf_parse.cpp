#include "engine/checkpoint/gguf_parse.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place, little-endian");

constexpr std::string_view kDamaged = "the file is cut short or damaged: fetch it again";
// Far beyond any published model (the largest have a few thousand tensors and some hundred keys),
// small enough that a hostile file cannot make the table itself a burden.
constexpr uint64_t kMaxTensors = 1U << 20U;
constexpr uint64_t kMaxEntries = 1U << 20U;
constexpr uint64_t kMaxKeyBytes = 65535;       // GGUF's own limit
constexpr uint64_t kMaxNameBytes = 64;         // GGUF's own limit
constexpr uint64_t kUnlimited = UINT64_MAX;    // only the end of the file bounds it
constexpr uint64_t kMaxAlignment = 1U << 20U;  // GGUF has no limit; a writer pads up to this
constexpr int kMaxArrayDepth = 4;              // nested arrays; published files have none
// Dimensions whose product passes this cannot lie in any file; keeps products clear of overflow.
constexpr uint64_t kMaxElements = uint64_t{1} << 52U;

// Smallest encodings: what a count is held against before anything is read.
constexpr uint64_t kMinEntryBytes = 8 + 1 + 4 + 1;  // length, key, type, value
constexpr uint64_t kMinTensorBytes =
    8 + 4 + 8 + 4 + 8;  // length, dimensions, one of them, type, offset

// What a file that is no GGUF seems to be, with the mend; empty when nobody knows.
std::string_view foreign_format(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 64));
  if (text.starts_with("version https://git-lfs")) {
    return "this is a Git LFS pointer: fetch the file that it points to (git lfs pull)";
  }
  if (text.starts_with("<") || text.starts_with("{\"error")) {
    return "this looks like a web page: the download went wrong, fetch the file again";
  }
  if (text.starts_with("PK\x03\x04")) {
    return "this looks like a zip archive or PyTorch checkpoint: convert it to GGUF first";
  }
  if (text.size() > 9 && text.substr(8, 2) == "{\"") {
    return "this looks like safetensors: convert it to GGUF first";
  }
  return "give a GGUF model file";
}

}  // namespace

GgufParser::GgufParser(std::span<const std::byte> bytes, std::string path)
    : bytes_(bytes), path_(std::move(path)) {}

Result<Ok> GgufParser::need(uint64_t count, std::string_view what) const {
  if (count <= left()) {
    return Ok{};
  }
  return corrupt_data("{}: {} at byte {} runs past the end; expected {} bytes, {} are left; {}",
                      path_, what, position_, count, left(), kDamaged);
}

template <typename T>
Result<T> GgufParser::read(std::string_view what) {
  CUPEL_TRY_VOID(need(sizeof(T), what));
  T value;
  std::memcpy(&value, bytes_.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

Result<std::string_view> GgufParser::read_string(std::string_view what, uint64_t max_bytes) {
  const uint64_t start = position_;
  CUPEL_TRY(const uint64_t length, read<uint64_t>(what));
  if (length > max_bytes) {
    return corrupt_data("{}: {} at byte {} claims {} bytes; expected at most {}; {}", path_, what,
                        start, length, max_bytes, kDamaged);
  }
  CUPEL_TRY_VOID(need(length, what));
  const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + position_), length);
  position_ += length;
  return text;
}

Result<Ok> GgufParser::read_header() {
  if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0) {
    return corrupt_data(
        "{}: no GGUF magic at byte 0; expected the bytes \"GGUF\"; {}", path_,
        bytes_.empty() ? "the file is empty: fetch it again" : foreign_format(bytes_));
  }
  position_ = 4;
  CUPEL_TRY(const uint32_t version, read<uint32_t>("the version"));
  if ((version & 0xFFFFU) == 0 && version != 0) {
    return unsupported("{}: big-endian GGUF at byte 4; expected little-endian; convert it first",
                       path_);
  }
  if (version == 0 || version > 1000) {
    return corrupt_data("{}: version {} at byte 4; expected 2 or 3; {}", path_, version, kDamaged);
  }
  if (version != 2 && version != 3) {
    return unsupported("{}: GGUF version {} at byte 4; expected 2 or 3; convert the file again",
                       path_, version);
  }
  file_.version_ = version;
  CUPEL_TRY(tensor_count_, read<uint64_t>("the tensor count"));
  CUPEL_TRY(entry_count_, read<uint64_t>("the metadata count"));
  if (tensor_count_ > std::min(kMaxTensors, left() / kMinTensorBytes)) {
    return corrupt_data("{}: tensor count {} at byte 8 does not fit in the {} bytes left; {}",
                        path_, tensor_count_, left(), kDamaged);
  }
  if (entry_count_ > std::min(kMaxEntries, left() / kMinEntryBytes)) {
    return corrupt_data("{}: metadata count {} at byte 16 does not fit in the {} bytes left; {}",
                        path_, entry_count_, left(), kDamaged);
  }
  return Ok{};
}

Result<GgufType> GgufParser::read_type() {
  const uint64_t start = position_;
  CUPEL_TRY(const uint32_t id, read<uint32_t>("a value type"));
  if (id > static_cast<uint32_t>(GgufType::kF64)) {
    return corrupt_data("{}: metadata value type {} at byte {}; expected 0 to 12; {}", path_, id,
                        start, kDamaged);
  }
  return static_cast<GgufType>(id);
}

Result<Ok> GgufParser::check_elements(const GgufValue& array, int depth) {
  if (array.element_type == GgufType::kString) {
    for (uint64_t i = 0; i < array.count; ++i) {
      CUPEL_TRY_VOID(read_string("a string of an array", kUnlimited));
    }
    return Ok{};
  }
  if (array.element_type == GgufType::kArray) {
    for (uint64_t i = 0; i < array.count; ++i) {
      CUPEL_TRY_VOID(read_array(depth + 1));
    }
    return Ok{};
  }
  const uint64_t start = position_;
  position_ += array.count * gguf_type_bytes(array.element_type);
  if (array.element_type != GgufType::kBool) {
    return Ok{};
  }
  for (uint64_t i = start; i < position_; ++i) {
    if (std::to_integer<unsigned>(bytes_[i]) > 1) {
      return corrupt_data("{}: boolean {} at byte {}; expected 0 or 1; {}", path_,
                          std::to_integer<unsigned>(bytes_[i]), i, kDamaged);
    }
  }
  return Ok{};
}

Result<GgufValue> GgufParser::read_array(int depth) {
  const uint64_t start = position_;
  if (depth >= kMaxArrayDepth) {
    return corrupt_data("{}: arrays nested deeper than {} at byte {}; {}", path_, kMaxArrayDepth,
                        start, kDamaged);
  }
  GgufValue value;
  value.type = GgufType::kArray;
  CUPEL_TRY(value.element_type, read_type());
  CUPEL_TRY(value.count, read<uint64_t>("an array length"));
  const uint64_t smallest = value.element_type == GgufType::kString ? 8
                            : value.element_type == GgufType::kArray
                                ? 12
                                : gguf_type_bytes(value.element_type);
  if (value.count > left() / smallest) {
    return corrupt_data(
        "{}: array of {} {} values at byte {} does not fit in the {} bytes left; {}", path_,
        value.count, gguf_type_name(value.element_type), start, left(), kDamaged);
  }
  const uint64_t elements = position_;
  CUPEL_TRY_VOID(check_elements(value, depth));
  value.bytes = bytes_.subspan(elements, position_ - elements);
  return value;
}

Result<GgufValue> GgufParser::read_value(GgufType type, int depth) {
  if (type == GgufType::kArray) {
    return read_array(depth);
  }
  GgufValue value;
  value.type = type;
  if (type == GgufType::kString) {
    CUPEL_TRY(const std::string_view text, read_string("a metadata string", kUnlimited));
    value.bytes = std::as_bytes(std::span(text.data(), text.size()));
    return value;
  }
  const uint64_t size = gguf_type_bytes(type);
  CUPEL_TRY_VOID(need(size, "a metadata value"));
  value.bytes = bytes_.subspan(position_, size);
  if (type == GgufType::kBool && std::to_integer<unsigned>(value.bytes[0]) > 1) {
    return corrupt_data("{}: boolean {} at byte {}; expected 0 or 1; {}", path_,
                        std::to_integer<unsigned>(value.bytes[0]), position_, kDamaged);
  }
  position_ += size;
  return value;
}

Result<Ok> GgufParser::read_metadata() {
  for (uint64_t i = 0; i < entry_count_; ++i) {
    const uint64_t start = position_;
    CUPEL_TRY(const std::string_view key, read_string("a metadata key", kMaxKeyBytes));
    if (key.empty()) {
      return corrupt_data("{}: empty metadata key at byte {}; expected a name; {}", path_, start,
                          kDamaged);
    }
    CUPEL_TRY(const GgufType type, read_type());
    CUPEL_TRY(const GgufValue value, read_value(type, 0));
    if (!file_.keys_.emplace(key, file_.metadata_.size()).second) {
      return corrupt_data("{}: second metadata key \"{}\" at byte {}; expected each key once; {}",
                          path_, printable(key, kMaxNameBytes), start, kDamaged);
    }
    file_.metadata_.push_back({key, value});
  }
  return Ok{};
}

Result<Ok> GgufParser::read_alignment() {
  const GgufValue* value = file_.find("general.alignment");
  if (value == nullptr) {
    return Ok{};
  }
  const uint64_t alignment = value->to_u64().value_or(0);
  if (alignment < 8 || alignment > kMaxAlignment || !std::has_single_bit(alignment)) {
    return corrupt_data(
        "{}: general.alignment at byte {} is {}; expected a power of two from 8 to {}; {}", path_,
        value->bytes.data() - bytes_.data(),
        value->to_u64() ? std::to_string(alignment) : value->type_name(), kMaxAlignment, kDamaged);
  }
  file_.alignment_ = static_cast<uint32_t>(alignment);
  return Ok{};
}

Result<Ok> GgufParser::read_dims(CheckpointTensor& tensor) {
  const uint64_t start = position_;
  CUPEL_TRY(tensor.num_dims, read<uint32_t>("a dimension count"));
  if (tensor.num_dims < 1 || tensor.num_dims > 4) {
    return corrupt_data("{}: tensor \"{}\" has {} dimensions at byte {}; expected 1 to 4; {}",
                        path_, printable(tensor.name, kMaxNameBytes), tensor.num_dims, start,
                        kDamaged);
  }
  uint64_t elements = 1;
  for (uint32_t d = 0; d < tensor.num_dims; ++d) {
    CUPEL_TRY(const uint64_t dim, read<uint64_t>("a dimension"));
    if (dim == 0 || dim > kMaxElements / elements) {
      return corrupt_data(
          "{}: dimension {} of tensor \"{}\" at byte {} is {}; expected a size that fits "
          "in the file; {}",
          path_, d, printable(tensor.name, kMaxNameBytes), position_ - 8, dim, kDamaged);
    }
    elements *= dim;
    tensor.dims[d] = dim;
  }
  return Ok{};
}

Result<TensorType> GgufParser::read_tensor_type(std::string_view name) {
  const uint64_t start = position_;
  CUPEL_TRY(const uint32_t id, read<uint32_t>("a tensor type"));
  if (const auto type = tensor_type_from_id(id)) {
    return *type;
  }
  return unsupported(
      "{}: unsupported tensor type {} ({}) of \"{}\" at byte {}; expected one of F32, F16, "
      "BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K; get the model in one of these",
      path_, id, tensor_type_id_name(id), printable(name, kMaxNameBytes), start);
}

Result<CheckpointTensor> GgufParser::read_tensor() {
  const uint64_t start = position_;
  CheckpointTensor tensor;
  CUPEL_TRY(tensor.name, read_string("a tensor name", kMaxNameBytes));
  if (tensor.name.empty()) {
    return corrupt_data("{}: empty tensor name at byte {}; expected a name; {}", path_, start,
                        kDamaged);
  }
  CUPEL_TRY_VOID(read_dims(tensor));
  CUPEL_TRY(tensor.type, read_tensor_type(tensor.name));
  const uint64_t block = tensor_type_info(tensor.type).block_elements;
  if (tensor.dims[0] % block != 0) {
    return corrupt_data(
        "{}: rows of tensor \"{}\" at byte {} hold {} numbers; expected a multiple of {} "
        "for {}; {}",
        path_, printable(tensor.name, kMaxNameBytes), start, tensor.dims[0], block,
        tensor_type_name(tensor.type), kDamaged);
  }
  const uint64_t offset_at = position_;
  CUPEL_TRY(tensor.offset, read<uint64_t>("a tensor offset"));
  if (tensor.offset % file_.alignment_ != 0) {
    return corrupt_data("{}: offset {} of tensor \"{}\" at byte {}; expected a multiple of {}; {}",
                        path_, tensor.offset, printable(tensor.name, kMaxNameBytes), offset_at,
                        file_.alignment_, kDamaged);
  }
  return tensor;
}

Result<Ok> GgufParser::read_tensors() {
  for (uint64_t i = 0; i < tensor_count_; ++i) {
    const uint64_t start = position_;
    CUPEL_TRY(const CheckpointTensor tensor, read_tensor());
    if (!file_.names_.emplace(tensor.name, file_.tensors_.size()).second) {
      return corrupt_data("{}: second tensor \"{}\" at byte {}; expected each name once; {}", path_,
                          printable(tensor.name, kMaxNameBytes), start, kDamaged);
    }
    file_.tensors_.push_back(tensor);
  }
  return Ok{};
}

// Turns offsets into the data section into views; the section starts at the next aligned byte.
Result<Ok> GgufParser::locate_data() {
  const uint64_t alignment = file_.alignment_;
  const uint64_t begin = (position_ + alignment - 1) / alignment * alignment;
  file_.data_offset_ = begin;
  const uint64_t section = begin < bytes_.size() ? bytes_.size() - begin : 0;
  for (CheckpointTensor& tensor : file_.tensors_) {
    const uint64_t size = tensor.elements() / tensor_type_info(tensor.type).block_elements *
                          tensor_type_info(tensor.type).block_bytes;
    if (tensor.offset > section || size > section - tensor.offset) {
      return corrupt_data(
          "{}: data of tensor \"{}\" at byte {} runs past the end; expected {} bytes, the "
          "data section holds {}; {}",
          path_, printable(tensor.name, kMaxNameBytes),
          tensor.offset <= UINT64_MAX - begin ? begin + tensor.offset : UINT64_MAX, size, section,
          kDamaged);
    }
    tensor.offset += begin;
    tensor.data = bytes_.subspan(tensor.offset, size);
  }
  return reject_overlaps();
}

Result<Ok> GgufParser::reject_overlaps() const {
  std::vector<const CheckpointTensor*> order;
  for (const CheckpointTensor& tensor : file_.tensors_) {
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const CheckpointTensor* a, const CheckpointTensor* b) {
    return a->offset < b->offset;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const CheckpointTensor& before = *order[i - 1];
    const CheckpointTensor& tensor = *order[i];
    if (tensor.offset < before.offset + before.data.size()) {
      return corrupt_data(
          "{}: data of tensor \"{}\" at byte {} overlaps \"{}\", which ends at byte {}; {}", path_,
          printable(tensor.name, kMaxNameBytes), tensor.offset,
          printable(before.name, kMaxNameBytes), before.offset + before.data.size(), kDamaged);
    }
  }
  return Ok{};
}

Result<Checkpoint> GgufParser::parse() {
  CUPEL_TRY_VOID(read_header());
  CUPEL_TRY_VOID(read_metadata());
  CUPEL_TRY_VOID(read_alignment());
  CUPEL_TRY_VOID(read_tensors());
  CUPEL_TRY_VOID(locate_data());
  file_.path_ = path_;
  file_.bytes_ = bytes_;
  return std::move(file_);
}

}  // namespace cupel::engine
