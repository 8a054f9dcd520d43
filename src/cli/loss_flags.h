#pragma once

#include <string>
#include <vector>

namespace cupel::cli {

/// The flags of `cupel loss`.
struct LossFlags {
  std::string loss;
  std::string input;
  std::vector<std::string> parameters;  ///< "name=value"
  std::string dtype = "f64";
  std::string format = "table";
  bool list = false;
};

}  // namespace cupel::cli
