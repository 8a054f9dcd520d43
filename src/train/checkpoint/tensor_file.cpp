#include "train/checkpoint/tensor_file.h"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "tensor/autograd.h"
#include "tensor/guard.h"

namespace cupel::train {
namespace {

using engine::SafetensorsFile;
using engine::SafetensorsTensor;
using engine::TensorType;

constexpr std::array kTypes = {
    std::pair{at::kFloat, TensorType::kF32}, std::pair{at::kBFloat16, TensorType::kBF16},
    std::pair{at::kDouble, TensorType::kF64}, std::pair{at::kByte, TensorType::kU8},
    std::pair{at::kLong, TensorType::kI64}};

TensorType file_type(at::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) {
      return theirs;
    }
  }
  CUPEL_CHECK(false, "a type of tensor that files of runs have not");
}

std::optional<at::ScalarType> tensor_type(TensorType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) {
      return ours;
    }
  }
  return std::nullopt;
}

Result<at::Tensor> read_one(const SafetensorsFile& file, const SafetensorsTensor& found) {
  const auto type = tensor_type(found.type);
  if (!type) {
    return unsupported("{}: tensor {} is {}; expected F32, BF16, F64, U8 or I64", file.path(),
                       printable(found.name), engine::tensor_type_name(found.type));
  }
  const std::vector<int64_t> sizes(found.shape.begin(), found.shape.end());
  at::Tensor tensor = at::empty(sizes, *type);
  if (!found.data.empty()) {
    std::memcpy(tensor.mutable_data_ptr(), found.data.data(), found.data.size());
  }
  file.release(found.data);
  return tensor;
}

}  // namespace

Result<Ok> write_tensors(const std::string& folder,
                         const std::string& stem,
                         std::span<const NamedTensor> tensors) {
  if (tensors.empty()) {
    return Ok{};
  }
  return tensor::guard([&]() -> Result<Ok> {
    std::vector<engine::SafetensorsPlan> plans;
    for (const NamedTensor& one : tensors) {
      plans.push_back({.name = one.name,
                       .type = file_type(one.tensor.scalar_type()),
                       .shape = {one.tensor.sizes().begin(), one.tensor.sizes().end()}});
    }
    CUPEL_TRY(engine::SafetensorsWriter writer,
              engine::SafetensorsWriter::create(folder, std::move(plans), UINT64_MAX, stem));
    for (const NamedTensor& one : tensors) {
      const at::Tensor tensor = one.tensor.detach().to(at::kCPU).contiguous();
      CUPEL_TRY_VOID(
          writer.write({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}));
    }
    return writer.close();
  });
}

Result<std::vector<NamedTensor>> read_tensors(const std::string& path) {
  return tensor::guard([&]() -> Result<std::vector<NamedTensor>> {
    CUPEL_TRY(const SafetensorsFile file, SafetensorsFile::open(path));
    std::vector<NamedTensor> result;
    for (const SafetensorsTensor& found : file.tensors()) {
      CUPEL_TRY(at::Tensor tensor, read_one(file, found));
      result.push_back({.name = std::string(found.name), .tensor = std::move(tensor)});
    }
    return result;
  });
}

Result<Ok> read_into(const std::string& path, std::span<const NamedTensor> tensors) {
  return tensor::guard([&]() -> Result<Ok> {
    const tensor::RecordingGuard off(false);
    CUPEL_TRY(const SafetensorsFile file, SafetensorsFile::open(path));
    for (const NamedTensor& one : tensors) {
      CUPEL_TRY(const SafetensorsTensor* found, file.get_tensor(one.name));
      const std::vector<int64_t> sizes(found->shape.begin(), found->shape.end());
      if (at::IntArrayRef(sizes) != one.tensor.sizes() ||
          tensor_type(found->type) != one.tensor.scalar_type()) {
        return corrupt_data("{}: tensor {} is {} of shape {}, not what is trained", path,
                            printable(one.name), engine::tensor_type_name(found->type),
                            found->shape_text());
      }
    }
    for (const NamedTensor& one : tensors) {
      CUPEL_TRY(const SafetensorsTensor* found, file.get_tensor(one.name));
      CUPEL_TRY(const at::Tensor values, read_one(file, *found));
      one.tensor.detach().copy_(values);
    }
    return Ok{};
  });
}

}  // namespace cupel::train
