#include "engine/checkpoint/tensor_type.h"

#include <string>

#include "base/check.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

using enum TensorType;

constexpr TensorTypeInfo kTypes[] = {
    {kF32, "F32", 1, 4, true, true},         {kF16, "F16", 1, 2, true, true},
    {kQ4_0, "Q4_0", 32, 18, true, true},     {kQ4_1, "Q4_1", 32, 20, true, true},
    {kQ5_0, "Q5_0", 32, 22, true, true},     {kQ5_1, "Q5_1", 32, 24, true, true},
    {kQ8_0, "Q8_0", 32, 34, true, true},     {kQ8_1, "Q8_1", 32, 36, false, false},
    {kQ2_K, "Q2_K", 256, 84, false, false},  {kQ3_K, "Q3_K", 256, 110, false, false},
    {kQ4_K, "Q4_K", 256, 144, true, true},   {kQ5_K, "Q5_K", 256, 176, true, true},
    {kQ6_K, "Q6_K", 256, 210, true, true},   {kQ8_K, "Q8_K", 256, 292, false, false},
    {kI8, "I8", 1, 1, false, false},         {kI16, "I16", 1, 2, false, false},
    {kI32, "I32", 1, 4, false, false},       {kI64, "I64", 1, 8, false, false},
    {kF64, "F64", 1, 8, false, false},       {kBF16, "BF16", 1, 2, true, true},
    {kU8, "U8", 1, 1, false, false},         {kU16, "U16", 1, 2, false, false},
    {kU32, "U32", 1, 4, false, false},       {kU64, "U64", 1, 8, false, false},
    {kBool, "BOOL", 1, 1, false, false},     {kF8E4M3, "F8_E4M3", 1, 1, true, false},
    {kF8E5M2, "F8_E5M2", 1, 1, true, false},
};

// Ids of GGUF that Cupel knows only to name them in an error.
struct NamedId {
  uint32_t id;
  std::string_view name;
};
constexpr NamedId kOnlyNamed[] = {
    {4, "Q4_2, removed from the format"},
    {5, "Q4_3, removed from the format"},
    {16, "IQ2_XXS"},
    {17, "IQ2_XS"},
    {18, "IQ3_XXS"},
    {19, "IQ1_S"},
    {20, "IQ4_NL"},
    {21, "IQ3_S"},
    {22, "IQ2_S"},
    {23, "IQ4_XS"},
    {29, "IQ1_M"},
    {31, "Q4_0_4_4, removed from the format"},
    {32, "Q4_0_4_8, removed from the format"},
    {33, "Q4_0_8_8, removed from the format"},
    {34, "TQ1_0"},
    {35, "TQ2_0"},
    {36, "IQ4_NL_4_4, removed from the format"},
    {37, "IQ4_NL_4_8, removed from the format"},
    {38, "IQ4_NL_8_8, removed from the format"},
    {39, "MXFP4"},
    {40, "NVFP4"},
};

const TensorTypeInfo* find_type(uint32_t id) {
  for (const TensorTypeInfo& info : kTypes) {
    if (static_cast<uint32_t>(info.type) == id) {
      return &info;
    }
  }
  return nullptr;
}

}  // namespace

const TensorTypeInfo& tensor_type_info(TensorType type) {
  const TensorTypeInfo* info = find_type(static_cast<uint32_t>(type));
  CUPEL_CHECK(info != nullptr, "a TensorType without an entry in kTypes");
  return *info;
}

std::optional<TensorType> tensor_type_from_id(uint32_t id) {
  const TensorTypeInfo* info = id < kFirstForeignType ? find_type(id) : nullptr;
  return info == nullptr ? std::nullopt : std::optional(info->type);
}

std::string_view tensor_type_id_name(uint32_t id) {
  if (const TensorTypeInfo* info = find_type(id); info != nullptr && id < kFirstForeignType) {
    return info->name;
  }
  for (const NamedId& named : kOnlyNamed) {
    if (named.id == id) {
      return named.name;
    }
  }
  return "unknown";
}

std::optional<TensorType> parse_tensor_type(std::string_view name) {
  const std::string wanted = to_lower_ascii(name);
  for (const TensorTypeInfo& info : kTypes) {
    if (to_lower_ascii(info.name) == wanted) {
      return info.type;
    }
  }
  return std::nullopt;
}

}  // namespace cupel::engine
