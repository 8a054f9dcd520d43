#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace arrow {
class Array;
class DataType;
class Status;
}  // namespace arrow

namespace cupel::parquet_module {

/// Whether values of that type can be written: texts, numbers, booleans, nulls, and lists and
/// structs of these.
bool json_type(const arrow::DataType& type);
/// Appends a value as JSON; NaN and infinities are null. The array is of a `json_type` and
/// validated.
arrow::Status append_json(const arrow::Array& array, int64_t row, std::string& out);
/// Appends a string in quotes with its escapes. Bytes that are no UTF-8 stay as they are: who
/// parses the JSON says so.
void append_json_text(std::string_view text, std::string& out);

}  // namespace cupel::parquet_module
