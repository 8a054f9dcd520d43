#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/embedder.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/runtime/encoder.h"

namespace cupel::decode {

/// How to open a sentence encoder.
struct LocalEmbedderOptions {
  std::string path;
  std::string name;
  std::string tokenizer_pre;  ///< pre-tokenizer instead of the one the file names
  /// Vectors are compared by small differences, so the exact arithmetic is the default here.
  engine::EngineOptions engine = {.activations = engine::Activations::kFloat32};
};

/// A sentence encoder that runs on this machine.
///
/// A text is prepared as sentence-transformers 6 does: the prompt before it, lowered where the
/// model says so, special tokens read as such, [CLS] and [SEP] around it, and cut after the model's
/// most tokens. A text's vector is the same bits alone and among others, at every CPU level and
/// number of threads. Calls from several threads wait for each other.
class LocalEmbedder : public Embedder {
 public:
  /// Errors: those of Checkpoint, load_tokenizer and Encoder::load; kCorruptData - the vocabulary
  /// has more tokens than the embedding.
  static Result<std::unique_ptr<LocalEmbedder>> open(const LocalEmbedderOptions& options);

  [[nodiscard]] const std::string& name() const override { return name_; }
  /// The first call reads the whole file.
  [[nodiscard]] std::string fingerprint() const override;
  [[nodiscard]] size_t dimensions() const override { return encoder_->dimensions(); }
  [[nodiscard]] const engine::ModelDescription& description() const {
    return encoder_->description();
  }
  /// Errors: kCancelled; kCorruptData - a vector that is not finite, with the file's path.
  Result<Embeddings> embed(std::span<const std::string> texts,
                           const EmbedOptions& options) override;

 private:
  LocalEmbedder() = default;
  /// The ids of a text; counts it in `out`.
  [[nodiscard]] std::vector<TokenId> prepare(const std::string& text,
                                             const EmbedOptions& options,
                                             Embeddings& out) const;
  [[nodiscard]] Result<Ok> finish(std::span<float> vector, bool normalize) const;

  std::string name_;
  std::string path_;
  std::string settings_;                      // what else the fingerprint is of
  std::unique_ptr<engine::Checkpoint> file_;  // kept for its fingerprint
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<engine::Encoder> encoder_;
  std::mutex mutex_;  // one call at a time drives the encoder
};

}  // namespace cupel::decode
