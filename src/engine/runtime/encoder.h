#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"
#include "engine/model/weights.h"
#include "engine/runtime/row_steps.h"
#include "engine/runtime/transformer.h"
#include "engine/runtime/workspace.h"

namespace cupel::engine {

/// Executes the description of a sentence encoder (BERT): ids of texts in, one vector a text out.
///
/// Contract: a text's vector depends on its ids alone, bit for bit; not on the other texts, their
/// order or the number of threads. Texts are computed without padding, some hundred rows at a time.
/// One thread drives it at a time; inside it uses its own pool.
class Encoder : private RowSteps {
 public:
  /// Errors: those of describe_model and load_weights; kInvalidArgument - a decoder. `file` may be
  /// closed afterwards. `max_cache_bytes` of the options is of no interest here.
  static Result<std::unique_ptr<Encoder>> load(const Checkpoint& file,
                                               const EngineOptions& options);

  [[nodiscard]] const ModelDescription& description() const { return description_; }
  [[nodiscard]] const EncoderDescription& encoder() const { return *description_.encoder; }
  /// Numbers of a vector.
  [[nodiscard]] size_t dimensions() const {
    return static_cast<size_t>(description_.width) * encoder().pooling.size();
  }

  /// Shapes: `vectors` [texts, dimensions()]. Errors: kInvalidArgument - a text without ids, with
  /// more than max_tokens, or with an id outside the vocabulary; nothing is computed then.
  Result<Ok> encode(std::span<const std::vector<TokenId>> texts, std::span<float> vectors);

 private:
  Encoder(ModelDescription description,
          const Operators& operators,
          std::unique_ptr<ThreadPool> threads,
          const EngineOptions& options);

  using Texts = std::span<const std::vector<TokenId>>;
  [[nodiscard]] Result<Ok> check(Texts texts) const;
  /// The positions' rows with the first token type added, [positions, D].
  void add_up_positions();
  /// Some texts at once, `rows` rows together.
  void encode_batch(Texts texts, size_t rows, std::span<float> vectors);
  /// Gives each text pages for its keys and values, which all layers use in turn.
  void place_rows(Texts texts, size_t rows);
  void embed(Texts texts, const ActivationBuffer& hidden);
  void attention_block(const LayerWeights& weights,
                       const AttentionDescription& attention,
                       const ActivationBuffer& hidden);
  void store_keys_values(const AttentionShape& shape, int64_t width);
  void attend(const AttentionShape& shape, int64_t width, float* out);
  void feed_forward_block(const LayerWeights& weights,
                          const FeedForwardDescription& feed_forward,
                          const ActivationBuffer& hidden);
  /// hidden = norm(hidden + the product).
  void finish_block(const LinearWeights& weights,
                    const ActivationRows& input,
                    const NormWeights& norm,
                    const ActivationBuffer& hidden);

  /// Where a row of the batch stands.
  struct Place {
    size_t first_page;  // of its text
    int64_t position;   // in its text
    int64_t length;     // of its text
  };
  struct Buffers {
    ActivationScratch hidden;    // [n, D]
    ActivationScratch attended;  // [n, N·H]
    ActivationScratch gated;     // [n, F]
    Scratch<float> q, k, v;      // [n, N·H]
    Scratch<std::byte> cache;
    std::vector<KvPage> pages;
    std::vector<Place> places;  // [n]
    std::vector<AttentionQuery> queries;
  };

  ModelDescription description_;
  Weights weights_;
  std::vector<float> positions_;
  Buffers work_;
};

}  // namespace cupel::engine
