#pragma once

#include <string>

namespace cupel::train {

/// A mean that is still open: sums of other micro-batches and processes may be added to both parts.
struct MetricSum {
  std::string name;
  double sum = 0;
  double count = 0;
};

}  // namespace cupel::train
