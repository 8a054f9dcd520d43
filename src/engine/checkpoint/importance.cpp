#include "engine/checkpoint/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {
namespace {

using Means = std::map<std::string, std::vector<float>, std::less<>>;

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
constexpr int32_t kMostNameBytes = 1024;

Result<Ok> add_means(Means& means, std::string name, std::vector<float> values) {
  const auto bad = std::find_if(values.begin(), values.end(),
                                [](float value) { return !(value >= 0 && std::isfinite(value)); });
  if (bad != values.end()) {
    return corrupt_data("importance of \"{}\": value {} is {}; expected a mean square",
                        printable(name), bad - values.begin(), *bad);
  }
  if (const auto [entry, added] = means.try_emplace(std::move(name), std::move(values)); !added) {
    return corrupt_data("importance of \"{}\" is there twice", printable(entry->first));
  }
  return Ok{};
}

Result<std::vector<float>> read_floats(const CheckpointTensor& tensor) {
  if (tensor.type != TensorType::kF32) {
    return corrupt_data("tensor \"{}\" is {}; expected F32", printable(tensor.name),
                        tensor_type_name(tensor.type));
  }
  std::vector<float> values(tensor.elements());
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

// Sums of squares, divided by how many inputs went into each matrix. One that saw none (an expert
// that was never chosen) counts all its inputs alike.
Result<Ok> add_gguf_entry(const Checkpoint& file, const CheckpointTensor& tensor, Means& means) {
  const std::string name(tensor.name.substr(0, tensor.name.size() - kSums.size()));
  CUPEL_TRY(const CheckpointTensor* counted, file.get_tensor(name + std::string(kCounts)));
  CUPEL_TRY(std::vector<float> sums, read_floats(tensor));
  CUPEL_TRY(const std::vector<float> counts, read_floats(*counted));
  if (counts.size() != tensor.rows()) {
    return corrupt_data("tensor \"{}\" has {} counts; expected {}", printable(name), counts.size(),
                        tensor.rows());
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    const float count = counts[i / tensor.columns()];
    sums[i] = count > 0 ? sums[i] / count : 1.0F;
  }
  return add_means(means, name, std::move(sums));
}

Result<Ok> read_gguf(std::span<const std::byte> bytes, const std::string& path, Means& means) {
  CUPEL_TRY(const Checkpoint file, Checkpoint::from_bytes(bytes, path));
  for (const CheckpointTensor& tensor : file.tensors()) {
    if (tensor.name.ends_with(kSums)) {
      CUPEL_TRY_VOID(add_gguf_entry(file, tensor, means));
    }
  }
  return means.empty()
             ? corrupt_data("holds no tensor named *{}; is it an importance matrix?", kSums)
             : Result<Ok>(Ok{});
}

// Takes values off the front of a file, within its bounds.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<std::span<const std::byte>> take(size_t count, std::string_view what) {
    if (count > bytes_.size() - at_) {
      return corrupt_data("byte {}: the file ends inside {}, which has {} bytes", at_, what, count);
    }
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }
  Result<int32_t> take_int(std::string_view what, int32_t low, int32_t high) {
    const size_t start = at_;
    CUPEL_TRY(const auto part, take(sizeof(int32_t), what));
    int32_t value = 0;
    std::memcpy(&value, part.data(), sizeof value);
    if (value < low || value > high) {
      return corrupt_data("byte {}: {} is {}; expected {} to {}", start, what, value, low, high);
    }
    return value;
  }
  [[nodiscard]] int32_t left() const {
    return static_cast<int32_t>(std::min<size_t>(bytes_.size() - at_, INT32_MAX));
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

Result<Ok> read_binary_entry(Cursor& cursor, Means& means) {
  CUPEL_TRY(const int32_t length, cursor.take_int("the length of a name", 1, kMostNameBytes));
  CUPEL_TRY(const auto name, cursor.take(static_cast<size_t>(length), "a name"));
  CUPEL_TRY(const int32_t calls, cursor.take_int("a number of calls", 0, INT32_MAX));
  CUPEL_TRY(const int32_t count, cursor.take_int("a number of values", 1, cursor.left() / 4));
  CUPEL_TRY(const auto bytes, cursor.take(static_cast<size_t>(count) * 4, "values"));
  std::vector<float> values(static_cast<size_t>(count));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (float& value : values) {
    value = calls > 0 ? value / static_cast<float>(calls) : value;
  }
  return add_means(means, {reinterpret_cast<const char*>(name.data()), name.size()},
                   std::move(values));
}

// What follows the entries (the number of chunks, the name of the text) is of no use here.
Result<Ok> read_binary(std::span<const std::byte> bytes, Means& means) {
  Cursor cursor(bytes);
  CUPEL_TRY(const int32_t entries, cursor.take_int("the number of entries", 1, cursor.left() / 12));
  for (int32_t i = 0; i < entries; ++i) {
    CUPEL_TRY_VOID(read_binary_entry(cursor, means));
  }
  return Ok{};
}

}  // namespace

Result<Importance> Importance::open(const std::string& path) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  return from_bytes(file.bytes(), path);
}

Result<Importance> Importance::from_bytes(std::span<const std::byte> bytes,
                                          const std::string& path) {
  Importance importance;
  const bool gguf = bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
  auto read =
      gguf ? read_gguf(bytes, path, importance.means_) : read_binary(bytes, importance.means_);
  if (!read) {
    return read.error().message.starts_with(path) ? std::move(read).error()
                                                  : in_file(std::move(read).error(), path);
  }
  return importance;
}

std::span<const float> Importance::find(std::string_view tensor) const {
  const auto found = means_.find(tensor);
  return found == means_.end() ? std::span<const float>() : std::span<const float>(found->second);
}

}  // namespace cupel::engine
