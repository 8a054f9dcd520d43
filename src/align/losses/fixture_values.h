#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace cupel::align {

// Lists of a fixture as numbers and tensors. Errors: kCorruptData, which names the place.

enum class Allow {
  kNumbers,
  kNull,     ///< null is NaN
  kBoolean,  ///< true is 1
};
Result<std::vector<double>> read_numbers(const Json& json,
                                         const std::string& where,
                                         Allow allow = Allow::kNumbers);

using Rows = std::vector<std::vector<double>>;
/// One inner list per sequence.
Result<Rows> read_rows(const Json& json, const std::string& where);
Rows rows_of_one(const std::vector<double>& numbers);

std::vector<int64_t> lengths_of(const Rows& rows);
at::Tensor vector_of(const std::vector<double>& values, at::ScalarType type);
/// [B,T], T the longest and at least 1; `fill` past the end of a row.
at::Tensor padded(const Rows& rows,
                  const std::vector<int64_t>& lengths,
                  double fill,
                  at::ScalarType type);
/// [B,T] bool: true on the numbers of each row.
at::Tensor mask_of(const std::vector<int64_t>& lengths);

}  // namespace cupel::align
