#pragma once

#include <cstdint>
#include <string>

namespace cupel::cli {

/// The flags of `cupel bench train`.
struct BenchTrainFlags {
  std::string model;
  std::string precision = "bf16-mixed";
  std::string parameters = "full";
  std::string checkpointing = "none";
  int64_t pairs = 4;
  int64_t prompt_tokens = 200;
  int64_t answer_tokens = 100;
  int64_t texts = 0;
  int64_t text_tokens = 512;
  int64_t steps = 5;
  int64_t threads = 0;
  std::string format = "table";
};

}  // namespace cupel::cli
