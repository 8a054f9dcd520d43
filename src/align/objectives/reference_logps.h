#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/data/data_set.h"
#include "train/data/packed_batch.h"
#include "train/model/twin.h"

namespace cupel::align {

/// Log-probs of every token of a data set under a model that does not change: the reference.
///
/// One number for each token of each example (or of each answer of each group), that of the token
/// given those before it; 0 of first tokens and of prompts that answers share. An example that is
/// trained in pieces has them piece by piece: nothing before a piece is seen. f32, nats. Computed
/// once, kept in a file beside the run, read back when the same model and data come again.
class ReferenceLogps {
 public:
  struct Options {
    std::string cache;  ///< file; empty: none
    /// What the numbers are of: model, precision. The file says it, and so do the tokens.
    std::string model_fingerprint;
    /// Tokens of the pieces that examples are cut into from their beginning on; 0: they are whole.
    int64_t piece_tokens = 0;
    int64_t batch_tokens = 4096;                                    ///< computed at once, about
    std::function<Result<Ok>(int64_t done, int64_t all)> progress;  ///< an error of it ends all
  };
  /// Errors: those of the twin; kExhausted, kUnavailable - the file cannot be written.
  static Result<ReferenceLogps> compute(train::Twin& twin,
                                        const train::DataSet& data,
                                        const Options& options);
  /// Reads what `compute` left. Errors: kNotFound - no file, or one of another model or other data.
  static Result<ReferenceLogps> read(const train::DataSet& data, const Options& options);

  /// The labels' log-probs [T] of a batch of that data; 0 where there is no label. A document that
  /// begins elsewhere than a piece is a bug.
  [[nodiscard]] std::vector<float> of_batch(const train::PackedBatch& batch,
                                            std::span<const int32_t> labels) const;

 private:
  ReferenceLogps(const train::DataSet& data, int64_t piece_tokens);
  /// The pieces of all items.
  [[nodiscard]] std::vector<train::Piece> pieces_of(const train::DataSet& data) const;
  /// Where in `values_` the number of a document's first token is.
  [[nodiscard]] size_t first_value(const train::PackedDocument& document) const;
  Result<Ok> fill(train::Twin& twin, const train::DataSet& data, const Options& options);
  Result<Ok> fill_batch(train::Twin& twin,
                        const train::DataSet& data,
                        std::span<const train::Piece> pieces);
  Result<Ok> write(const std::string& path, const std::string& key) const;

  bool groups_ = false;
  int64_t piece_tokens_ = 0;
  std::vector<size_t> item_begin_;    // of each item: index into text_begin_
  std::vector<size_t> text_begin_;    // of each text: index into values_
  std::vector<int64_t> first_token_;  // of each text: which of its tokens a batch begins with
  std::vector<float> values_;
};

}  // namespace cupel::align
