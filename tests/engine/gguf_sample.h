#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/gguf_writer.h"
#include "engine/checkpoint/quant.h"

namespace cupel::engine::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Appends the parts of a GGUF file by hand: for files that no writer would produce.
class RawGguf {
 public:
  template <typename T>
  RawGguf& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  RawGguf& text(std::string_view value) {
    put(static_cast<uint64_t>(value.size()));
    bytes_ += value;
    return *this;
  }
  RawGguf& raw(std::string_view value) {
    bytes_ += value;
    return *this;
  }
  RawGguf& header(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
    return raw("GGUF").put(version).put(tensors).put(entries);
  }
  RawGguf& key(std::string_view name, GgufType type) {
    return text(name).put(static_cast<uint32_t>(type));
  }
  RawGguf& tensor(std::string_view name,
                  const std::vector<uint64_t>& dims,
                  uint32_t type,
                  uint64_t offset) {
    text(name).put(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) {
      put(dim);
    }
    return put(type).put(offset);
  }
  /// Zero padding to the next multiple of `alignment`, then `size` bytes of data.
  RawGguf& data(size_t size, size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment + size);
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return bytes_; }

 private:
  std::string bytes_;
};

/// A header with every metadata type, a nested array, and tensors of six types.
inline GgufHeader sample_header() {
  GgufHeader header;
  header.set_string("general.architecture", "llama");
  header.set_string("general.name", "Sample");
  header.set("a.u8", uint8_t{200});
  header.set("a.i8", int8_t{-7});
  header.set("a.u16", uint16_t{60000});
  header.set("a.i16", int16_t{-3000});
  header.set("a.u32", uint32_t{4000000000});
  header.set("a.i32", int32_t{-5});
  header.set("a.u64", uint64_t{1} << 40U);
  header.set("a.i64", int64_t{-6});
  header.set("a.f32", 0.5F);
  header.set("a.f64", 1e-5);
  header.set("a.bool", true);
  const std::vector<std::string_view> tokens{"<s>", "", "\xC4\xA0the"};
  header.set_string_array("tokenizer.ggml.tokens", tokens);
  const std::vector<float> scores{0.0F, -1.0F, -2.5F};
  header.set_array("tokenizer.ggml.scores", std::span<const float>(scores));
  const std::vector<int32_t> types{3, 1, 1};
  header.set_array("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  const std::string nested = RawGguf()
                                 .put(static_cast<uint32_t>(GgufType::kU8))
                                 .put(uint64_t{2})
                                 .raw("ab")
                                 .put(static_cast<uint32_t>(GgufType::kBool))
                                 .put(uint64_t{1})
                                 .raw("\x01")
                                 .str();
  GgufValue value;
  value.type = GgufType::kArray;
  value.element_type = GgufType::kArray;
  value.count = 2;
  value.bytes = bytes_of(nested);
  header.set_value("a.nested", value);
  header.add_tensor({"token_embd.weight", TensorType::kQ8_0, {32, 3}});
  header.add_tensor({"blk.0.attn_q.weight", TensorType::kQ4_1, {64, 2}});
  header.add_tensor({"blk.0.ffn_up.weight", TensorType::kF16, {32, 2}});
  header.add_tensor({"blk.0.ffn_down.weight", TensorType::kBF16, {40, 3}});
  header.add_tensor({"blk.0.ffn_gate.weight", TensorType::kF32, {64, 2}});
  header.add_tensor({"output_norm.weight", TensorType::kF32, {5}});
  return header;
}

/// Deterministic weights around zero, in the tensor's own type.
inline std::vector<std::byte> sample_data(const GgufTensorPlan& plan) {
  uint64_t elements = 1;
  for (const uint64_t dim : plan.dims) {
    elements *= dim;
  }
  std::vector<float> values(elements);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 64.0F;
  }
  std::vector<std::byte> data(plan.size_bytes());
  const auto done = quantize_row(plan.type, values, data);
  return done ? data : std::vector<std::byte>();
}

/// The sample as a whole file.
inline std::string sample_file() {
  const GgufHeader header = sample_header();
  std::string file = header.encode();
  for (const GgufTensorPlan& plan : header.tensors()) {
    const auto data = sample_data(plan);
    file.append(reinterpret_cast<const char*>(data.data()), data.size());
    file.resize(header.padded(file.size()));
  }
  return file;
}

/// Reads through every view of an opened file, so that a sanitizer sees one that leads astray.
inline uint64_t touch_everything(const Checkpoint& file) {
  uint64_t sum = 0;
  for (const GgufEntry& entry : file.metadata()) {
    sum += entry.value.to_u64().value_or(0) + entry.value.type_name().size();
    sum += entry.value.to_f64().has_value() ? 1U : 0U;
    if (const auto strings = file.get_string_array(entry.key)) {
      for (const std::string_view text : *strings) {
        sum += text.empty() ? 0U : static_cast<unsigned char>(text.back());
      }
    }
    sum += file.get_f32_array(entry.key).has_value() ? 1U : 0U;
    sum += file.get_i32_array(entry.key).has_value() ? 1U : 0U;
  }
  for (const CheckpointTensor& tensor : file.tensors()) {
    const auto last = tensor.row(tensor.rows() - 1);
    sum += std::to_integer<uint64_t>(last.back()) + std::to_integer<uint64_t>(tensor.data.front());
  }
  return sum;
}

}  // namespace cupel::engine::test
