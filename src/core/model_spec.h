#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cupel {

/// What stands behind `--model` and `--judge`.
enum class ModelKind { kGguf, kOpenAi, kNull, kAnswers };

/// A parsed model spec:
///   NAME=FILE.gguf[,option=value…]
///       options: template=FILE, tokenizer-pre=NAME, noise=SCALE, noise-seed=N, noise-fraction=F
///   NAME=openai:MODEL@URL[,option=value…]
///       options: key-env=VARIABLE, concurrency=N, timeout=SECONDS
///   NAME=null:TEXT               answers TEXT to everything
///   NAME=answers:FILE.jsonl      replays FastChat model_answer records
///
/// Without `NAME=` the name is the file's stem or the endpoint's model id.
struct ModelSpec {
  std::string name;
  ModelKind kind = ModelKind::kGguf;
  std::string target;  ///< path, constant text, or model id of an endpoint
  std::string url;     ///< endpoints only
  std::vector<std::pair<std::string, std::string>> options;  ///< in order, keys unique

  /// The option's value, or empty.
  [[nodiscard]] std::string_view option(std::string_view key) const;
};

/// Errors: kInvalidArgument naming the spec, what is wrong and a right example. Names may hold
/// letters, digits, '.', '_', '-' (they become file names).
Result<ModelSpec> parse_model_spec(std::string_view text);

}  // namespace cupel
