#include "support/seeded_checkpoint.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/io.h"
#include "engine/checkpoint/quant.h"

namespace cupel::test {
namespace {

using engine::TensorType;

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

uint64_t seed_of(const std::string& name) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

struct Scale {
  double factor;
  double offset;
};

Scale scale_of(const std::string& name, const std::vector<int64_t>& shape) {
  if (shape.size() == 1) {
    const bool norm =
        (name.find("norm") != std::string::npos || name.find("Norm") != std::string::npos) &&
        name.ends_with("weight");
    return {0.25, norm ? 1.0 : 0.0};
  }
  if (name.find("embed_tokens") != std::string::npos) {
    return {1.0, 0.0};
  }
  return {2.0 / std::sqrt(static_cast<double>(shape.back())), 0.0};
}

std::vector<float> numbers_of(const std::string& name, const std::vector<int64_t>& shape) {
  uint64_t count = 1;
  for (const int64_t size : shape) {
    count *= static_cast<uint64_t>(size);
  }
  const Scale scale = scale_of(name, shape);
  const uint64_t seed = seed_of(name);
  std::vector<float> numbers(count);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t bits = mix((i + 1) * 0x9E3779B97F4A7C15ULL + seed);
    const double unit = static_cast<double>(bits >> 40U) / 8388608.0 - 1;
    numbers[i] = static_cast<float>(unit * scale.factor + scale.offset);
  }
  return numbers;
}

/// The nearest 8-bit float of each number, by looking at all of them.
std::vector<std::byte> nearest_f8(TensorType type, const std::vector<float>& numbers) {
  std::vector<std::byte> codes(256);
  std::vector<float> values(256);
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<std::byte>(i);
  }
  CUPEL_CHECK(engine::dequantize_row(type, codes, values).has_value(), "an 8-bit float");
  std::vector<std::byte> result;
  for (const float number : numbers) {
    size_t best = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::abs(values[i] - number) < std::abs(values[best] - number)) {
        best = i;
      }
    }
    result.push_back(codes[best]);
  }
  return result;
}

std::vector<std::byte> stored_as(TensorType type, const std::vector<float>& numbers) {
  if (type == TensorType::kF8E4M3 || type == TensorType::kF8E5M2) {
    return nearest_f8(type, numbers);
  }
  std::vector<std::byte> bytes(numbers.size() * engine::tensor_type_info(type).block_bytes);
  CUPEL_CHECK(engine::quantize_row(type, numbers, bytes).has_value(), "a float type");
  return bytes;
}

/// {"name": content}; a name may hold one folder.
Result<Ok> write_files(const Json& files, const std::string& folder) {
  for (const auto& [name, content] : files.as_object()) {
    CUPEL_TRY_VOID(make_directories(folder + "/" + name.substr(0, name.rfind('/') + 1)));
    CUPEL_TRY_VOID(write_file_atomic(folder + "/" + name, dump_json(content)));
  }
  return Ok{};
}

}  // namespace

Result<Ok> write_seeded_checkpoint(const Json& fixture,
                                   const std::string& folder,
                                   TensorType rounded,
                                   TensorType stored) {
  Json header = Json::object();
  std::string data;
  for (const Json& tensor : fixture.find("tensors")->as_array()) {
    const std::string& name = tensor.as_array()[0].as_string();
    std::vector<int64_t> shape;
    for (const Json& size : tensor.as_array()[1].as_array()) {
      shape.push_back(size.as_int());
    }
    const size_t begin = data.size();
    std::vector<float> numbers = numbers_of(name, shape);
    CUPEL_TRY_VOID(engine::dequantize_row(rounded, stored_as(rounded, numbers), numbers));
    const std::vector<std::byte> bytes = stored_as(stored, numbers);
    data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    header.set(name,
               Json::object()
                   .set("dtype", engine::tensor_type_name(stored))
                   .set("shape", tensor.as_array()[1])
                   .set("data_offsets", Json::array().push_back(begin).push_back(data.size())));
  }
  std::string text = dump_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  CUPEL_TRY_VOID(write_file_atomic(folder + "/model.safetensors", file + text + data));
  CUPEL_TRY_VOID(write_file_atomic(folder + "/config.json", dump_json(*fixture.find("config"))));
  return fixture.contains("files") ? write_files(*fixture.find("files"), folder) : Ok{};
}

}  // namespace cupel::test
