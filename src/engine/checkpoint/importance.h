#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel::engine {

/// How much each input of each weight matrix counts: the mean square of what came in there while a
/// model read some text (an "importance matrix"). A quantiser that weighs errors by it keeps the
/// outputs close, not the weights.
class Importance {
 public:
  /// Reads a file of llama.cpp's llama-imatrix: the GGUF form (tensors `NAME.in_sum2` and
  /// `NAME.counts`) or the older binary form (count; per entry name, number of calls, values).
  /// Errors: those of MappedFile and Checkpoint::open; kCorruptData - cut off, a length or a value
  /// that cannot be, a name twice; says which entry. Memory: the file's size.
  static Result<Importance> open(const std::string& path);
  /// The same of bytes in memory; `path` is for messages.
  static Result<Importance> from_bytes(std::span<const std::byte> bytes, const std::string& path);

  /// Mean squares of a tensor's inputs, one matrix after the other for stacks of experts; empty
  /// where the file has none. All are finite and ≥ 0.
  [[nodiscard]] std::span<const float> find(std::string_view tensor) const;
  [[nodiscard]] size_t tensors() const { return means_.size(); }

 private:
  std::map<std::string, std::vector<float>, std::less<>> means_;
};

}  // namespace cupel::engine
