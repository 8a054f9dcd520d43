#include "parquet/json_rows.h"

#include <charconv>
#include <cmath>

#include <arrow/api.h>

namespace cupel::parquet_module {
namespace {

using Append = arrow::Status (*)(const arrow::Array&, int64_t, std::string&);

template <typename Array>
arrow::Status append_number(const arrow::Array& array, int64_t row, std::string& out) {
  const auto value = static_cast<const Array&>(array).Value(row);
  if constexpr (std::is_floating_point_v<decltype(value)>) {
    if (!std::isfinite(value)) {
      out += "null";
      return arrow::Status::OK();
    }
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
  return arrow::Status::OK();
}

template <typename Array>
arrow::Status append_string(const arrow::Array& array, int64_t row, std::string& out) {
  append_json_text(static_cast<const Array&>(array).GetView(row), out);
  return arrow::Status::OK();
}

arrow::Status append_boolean(const arrow::Array& array, int64_t row, std::string& out) {
  out += static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
  return arrow::Status::OK();
}

arrow::Status append_entry(const arrow::Array& array, int64_t row, std::string& out) {
  const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
  return append_json(*coded.dictionary(), coded.GetValueIndex(row), out);
}

template <typename Array>
arrow::Status append_list(const arrow::Array& array, int64_t row, std::string& out) {
  const auto& list = static_cast<const Array&>(array);
  out += '[';
  const int64_t begin = list.value_offset(row);
  for (int64_t i = 0; i < list.value_length(row); ++i) {
    if (i > 0) {
      out += ',';
    }
    ARROW_RETURN_NOT_OK(append_json(*list.values(), begin + i, out));
  }
  out += ']';
  return arrow::Status::OK();
}

arrow::Status append_struct(const arrow::Array& array, int64_t row, std::string& out) {
  const auto& value = static_cast<const arrow::StructArray&>(array);
  out += '{';
  for (int i = 0; i < value.num_fields(); ++i) {
    if (i > 0) {
      out += ',';
    }
    append_json_text(value.struct_type()->field(i)->name(), out);
    out += ':';
    ARROW_RETURN_NOT_OK(append_json(*value.field(i), row, out));
  }
  out += '}';
  return arrow::Status::OK();
}

/// How values of a type become JSON; null for types that are not read.
Append append_of(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
      return append_boolean;
    case arrow::Type::INT8:
      return append_number<arrow::Int8Array>;
    case arrow::Type::UINT8:
      return append_number<arrow::UInt8Array>;
    case arrow::Type::INT16:
      return append_number<arrow::Int16Array>;
    case arrow::Type::UINT16:
      return append_number<arrow::UInt16Array>;
    case arrow::Type::INT32:
      return append_number<arrow::Int32Array>;
    case arrow::Type::UINT32:
      return append_number<arrow::UInt32Array>;
    case arrow::Type::INT64:
      return append_number<arrow::Int64Array>;
    case arrow::Type::UINT64:
      return append_number<arrow::UInt64Array>;
    case arrow::Type::FLOAT:
      return append_number<arrow::FloatArray>;
    case arrow::Type::DOUBLE:
      return append_number<arrow::DoubleArray>;
    case arrow::Type::STRING:
      return append_string<arrow::StringArray>;
    case arrow::Type::LARGE_STRING:
      return append_string<arrow::LargeStringArray>;
    case arrow::Type::STRING_VIEW:
      return append_string<arrow::StringViewArray>;
    case arrow::Type::DICTIONARY:
      return append_entry;
    case arrow::Type::LIST:
      return append_list<arrow::ListArray>;
    case arrow::Type::LARGE_LIST:
      return append_list<arrow::LargeListArray>;
    case arrow::Type::FIXED_SIZE_LIST:
      return append_list<arrow::FixedSizeListArray>;
    case arrow::Type::STRUCT:
      return append_struct;
    default:
      return nullptr;
  }
}

}  // namespace

bool json_type(const arrow::DataType& type) {
  if (type.id() == arrow::Type::NA) {
    return true;
  }
  if (type.id() == arrow::Type::DICTIONARY) {
    return json_type(*static_cast<const arrow::DictionaryType&>(type).value_type());
  }
  if (append_of(type.id()) == nullptr) {
    return false;
  }
  for (const auto& field : type.fields()) {
    if (!json_type(*field->type())) {
      return false;
    }
  }
  return true;
}

arrow::Status append_json(const arrow::Array& array, int64_t row, std::string& out) {
  if (array.IsNull(row)) {
    out += "null";
    return arrow::Status::OK();
  }
  const Append append = append_of(array.type_id());
  return append != nullptr ? append(array, row, out)
                           : arrow::Status::NotImplemented(array.type()->ToString());
}

void append_json_text(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '"';
}

}  // namespace cupel::parquet_module
