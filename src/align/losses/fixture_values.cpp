#include "align/losses/fixture_values.h"

#include <algorithm>

#include "align/losses/options.h"
#include "base/error.h"

namespace cupel::align {

Result<std::vector<double>> read_numbers(const Json& json, const std::string& where, Allow allow) {
  if (!json.is_array()) {
    return corrupt_data("{} is {}; expected a list of numbers", where, json.type_name());
  }
  std::vector<double> numbers;
  for (size_t i = 0; i < json.size(); ++i) {
    const Json& item = json.as_array()[i];
    if (item.is_null() && allow == Allow::kNull) {
      numbers.push_back(kUnset);
    } else if (item.is_number()) {
      numbers.push_back(item.as_double());
    } else if (item.is_bool() && allow == Allow::kBoolean) {
      numbers.push_back(item.as_bool() ? 1 : 0);
    } else {
      return corrupt_data("{}[{}] is {}; expected a number", where, i, item.type_name());
    }
  }
  return numbers;
}

Result<Rows> read_rows(const Json& json, const std::string& where) {
  if (!json.is_array()) {
    return corrupt_data("{} is {}; expected a list with one inner list per sequence", where,
                        json.type_name());
  }
  Rows rows;
  for (size_t i = 0; i < json.size(); ++i) {
    const Json& item = json.as_array()[i];
    if (!item.is_array()) {
      return corrupt_data("{}[{}] is {}; expected one inner list of numbers per sequence", where, i,
                          item.type_name());
    }
    CUPEL_TRY(std::vector<double> row, read_numbers(item, format("{}[{}]", where, i)));
    rows.push_back(std::move(row));
  }
  return rows;
}

Rows rows_of_one(const std::vector<double>& numbers) {
  Rows rows;
  for (const double number : numbers) {
    rows.push_back({number});
  }
  return rows;
}

std::vector<int64_t> lengths_of(const Rows& rows) {
  std::vector<int64_t> lengths;
  for (const auto& row : rows) {
    lengths.push_back(static_cast<int64_t>(row.size()));
  }
  return lengths;
}

at::Tensor vector_of(const std::vector<double>& values, at::ScalarType type) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<double>());
  return tensor.to(type);
}

at::Tensor padded(const Rows& rows,
                  const std::vector<int64_t>& lengths,
                  double fill,
                  at::ScalarType type) {
  int64_t columns = 1;
  for (const int64_t length : lengths) {
    columns = std::max(columns, length);
  }
  at::Tensor tensor = at::full({static_cast<int64_t>(rows.size()), columns}, fill, at::kDouble);
  auto* data = tensor.mutable_data_ptr<double>();
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), data + static_cast<int64_t>(i) * columns);
  }
  return tensor.to(type);
}

at::Tensor mask_of(const std::vector<int64_t>& lengths) {
  Rows ones;
  for (const int64_t length : lengths) {
    ones.emplace_back(static_cast<size_t>(length), 1.0);
  }
  return padded(ones, lengths, 0, at::kBool);
}

}  // namespace cupel::align
