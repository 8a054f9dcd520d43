#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace cupel {

/// How vectors are made, where it is left to the caller.
struct EmbedOptions {
  bool normalize = false;             ///< to length 1, also where the model does not
  std::optional<std::string> prompt;  ///< stands before every text, instead of the model's own
  std::stop_token stop;               ///< ends the call early with kCancelled
};

/// One vector a text, in the order of the texts.
struct Embeddings {
  size_t dimensions = 0;
  std::vector<float> values;    ///< [texts, dimensions]
  std::vector<int64_t> tokens;  ///< of each text, as far as the model read it
  size_t cut = 0;               ///< texts that were longer than the model reads

  [[nodiscard]] size_t size() const { return tokens.size(); }
  [[nodiscard]] std::span<const float> vector(size_t text) const {
    return std::span(values).subspan(text * dimensions, dimensions);
  }
};

/// Makes vectors of texts, such that texts of like meaning have like directions: for searching,
/// deduplication, diversity, routing. Thread-safe; blocks the caller.
class Embedder {
 public:
  virtual ~Embedder() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Of everything that a vector depends on, besides text and options.
  [[nodiscard]] virtual std::string fingerprint() const = 0;
  /// Numbers of a vector.
  [[nodiscard]] virtual size_t dimensions() const = 0;
  virtual Result<Embeddings> embed(std::span<const std::string> texts,
                                   const EmbedOptions& options) = 0;
};

/// The cosine of the angle between two vectors of the same dimensions; 0 when one of them is 0.
double cosine_similarity(std::span<const float> a, std::span<const float> b);

}  // namespace cupel
