#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cupel {

/// What stands behind `--model` and `--judge`.
enum class ModelKind {
  kGguf,
  kOpenAi,
  kNull,
  kAnswers,
  kHub,  ///< a pulled model, unless a file or folder of that path exists (`cli/models.h` looks)
};

/// A parsed model spec:
///   NAME=FILE.gguf[,option=value…]
///       options: template=FILE, tokenizer-pre=NAME, noise=SCALE, noise-seed=N, noise-fraction=F
///   NAME=ORG/MODEL[@REVISION][:FILE][,option=value…]
///       a model that `cupel pull` fetched; options as of a file
///   NAME=openai:MODEL@URL[,option=value…]
///       options: key-env=VARIABLE, concurrency=N, timeout=SECONDS, body=FILE.json
///   NAME=null:TEXT               answers TEXT to everything
///   NAME=answers:FILE.jsonl      replays FastChat model_answer records
///
/// A target that ends in .gguf and holds no ':' is always a file.
/// Without `NAME=` the name is the file's stem, the pulled model's or the endpoint's model id.
struct ModelSpec {
  std::string name;
  ModelKind kind = ModelKind::kGguf;
  std::string target;  ///< path, constant text, hub reference, or model id of an endpoint
  std::string url;     ///< endpoints only
  std::vector<std::pair<std::string, std::string>> options;  ///< in order, keys unique

  /// The option's value, or empty.
  [[nodiscard]] std::string_view option(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;
};

/// Errors: kInvalidArgument naming the spec, what is wrong and a right example. Names may hold
/// letters, digits, '.', '_', '-' (they become file names).
Result<ModelSpec> parse_model_spec(std::string_view text);

/// For messages about specs that name nothing.
inline constexpr std::string_view kExpectedSpec =
    "expected NAME=FILE.gguf, NAME=FOLDER, NAME=ORG/MODEL, NAME=openai:MODEL@URL, NAME=null:TEXT "
    "or "
    "NAME=answers:FILE.jsonl";

/// A spec's text as it may be written down and shown: an endpoint's URL loses its query and its
/// user name, which may hold secrets. Also for texts that are no spec. No identity: that is a
/// model's fingerprint.
std::string shown_spec(std::string_view text);

/// The value of a numeric option, or `fallback` where the spec has none. Errors: kInvalidArgument -
/// no number from `low` to `high`; nothing is rounded.
Result<double> number_option(
    const ModelSpec& spec, std::string_view key, double low, double high, double fallback);
Result<int64_t> integer_option(
    const ModelSpec& spec, std::string_view key, int64_t low, int64_t high, int64_t fallback);

}  // namespace cupel
