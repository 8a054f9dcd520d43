#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"
#include "engine/model/weights.h"
#include "engine/runtime/experts.h"
#include "engine/runtime/kv_pool.h"
#include "engine/runtime/rope_table.h"
#include "engine/runtime/row_steps.h"
#include "engine/runtime/sequence_state.h"
#include "engine/runtime/workspace.h"

namespace cupel::engine {

/// Raised with every change of the arithmetic that changes outputs, so that caches and runs made
/// before do not pass for the same model.
constexpr int kArithmeticVersion = 5;

/// The exact mode caches what it computed; otherwise int16 halves the cache's memory and traffic,
/// and its products are twice as fast.
constexpr CacheType cache_type(Activations activations) {
  return activations == Activations::kFloat32 ? CacheType::kFloat32 : CacheType::kInt16;
}

/// How to run a model.
struct EngineOptions {
  size_t threads = 0;             ///< 0 = the CPUs this process may use
  std::optional<CpuLevel> level;  ///< default: the best of this machine
  Activations activations = Activations::kInt8;
  size_t max_cache_bytes = size_t{2} << 30U;  ///< of the key-value cache
  std::optional<NoiseOptions> noise;          ///< damages the blocks' weights (damage.h)
};

/// One row of the batch step. Rows of one sequence stand next to each other, in order; the first
/// takes the position sequence->length(), the next the one after it.
///
/// Rows may also form a tree, of drafts that share what they have in common: each then names its
/// parent among the sequence's rows of this step, an earlier one, or kRoot for what the sequence
/// has seen. Such a row takes the position after its parent and attends to its ancestors alone. The
/// sequence is not longer after the step: `Transformer::commit` keeps one path of the tree, and the
/// next step overwrites the rest.
struct StepRow {
  static constexpr int32_t kNoTree = -2;
  static constexpr int32_t kRoot = -1;

  SequenceState* sequence = nullptr;
  TokenId token = 0;
  const float* embedding = nullptr;  ///< [D] used as it is instead of the token's row when set
  bool logits = false;               ///< the head runs for this row
  int32_t parent = kNoTree;          ///< of all rows of a sequence, or of none

  [[nodiscard]] bool in_tree() const { return parent != kNoTree; }
};
/// Most rows of one tree.
constexpr size_t kMaxTreeRows = 256;

/// Called once per row that asked for logits, from several threads at once for different rows.
/// `row` counts all rows of the step; `logits` is [V], of a reward model its [outputs], and may be
/// changed by the visitor.
using LogitsVisitor = FunctionRef<void(size_t row, std::span<float> logits)>;

/// Called after a tapped layer with the hidden states [n, D] of rows [first_row, first_row + n).
struct HiddenTaps {
  std::vector<size_t> layers;  ///< ascending
  std::function<void(size_t layer, size_t first_row, std::span<const float> hidden)> visit;
};

/// The one transformer: executes a ModelDescription over batches of rows through Operators.
///
/// Contract: what is computed for a row depends on that row's sequence alone, bit for bit; not on
/// the other rows, the order of sequences, micro-batching or the number of threads (design.md). One
/// thread drives it at a time; inside it uses its own pool.
class Transformer : private RowSteps {
 public:
  /// Errors: those of describe_model and load_weights; kInvalidArgument - an encoder. `file` may be
  /// closed afterwards.
  static Result<std::unique_ptr<Transformer>> load(const Checkpoint& file,
                                                   const EngineOptions& options);

  [[nodiscard]] const ModelDescription& description() const { return description_; }
  [[nodiscard]] const Weights& weights() const { return weights_; }
  [[nodiscard]] const Operators& operators() const { return *operators_; }
  [[nodiscard]] KvPool& kv_pool() { return kv_pool_; }
  [[nodiscard]] ThreadPool& threads() { return *threads_; }
  [[nodiscard]] SequenceState new_sequence() { return SequenceState(kv_pool_); }

  /// Makes room for `rows` more positions of a sequence, in the cache and in the rotary tables:
  /// steps up to there allocate nothing. Errors: kExhausted, as SequenceState::reserve.
  Result<Ok> make_room(SequenceState& sequence, int64_t rows);

  /// Runs all rows; afterwards every sequence is longer by its rows that are not in a tree.
  /// Errors: kInvalidArgument - a token outside the vocabulary, or rows that are no tree;
  /// kUnsupported - a tree on both sides of the length where LongRoPE's factors change;
  /// kExhausted - cache full (sequences then have the length they had at the last finished
  /// micro-batch).
  Result<Ok> step(std::span<const StepRow> rows,
                  const LogitsVisitor& visit,
                  const HiddenTaps* taps = nullptr);

  /// Keeps the tree rows `path` of the sequence's last step, from the root down: indices among the
  /// sequence's rows, each the parent of the next. The sequence is longer by them.
  /// Errors: kInvalidArgument - rows that were not in that step or no path from the
  /// root; nothing has changed then.
  Result<Ok> commit(SequenceState& sequence, std::span<const int32_t> path);

 private:
  Transformer(ModelDescription description,
              const Operators& operators,
              std::unique_ptr<ThreadPool> threads,
              const EngineOptions& options);

  Result<Ok> micro_step(std::span<const StepRow> rows,
                        size_t first_row,
                        const LogitsVisitor& visit,
                        const HiddenTaps* taps);
  [[nodiscard]] Result<Ok> check_rows(std::span<const StepRow> rows) const;
  Result<Ok> reserve(std::span<const StepRow> rows);
  void place_row(const StepRow& row, size_t i, size_t begin);
  /// LongRoPE: recomputes sequences whose length asks for the other factors.
  Result<Ok> settle_long_rope(std::span<const StepRow> rows);
  Result<Ok> recompute(SequenceState& sequence, bool long_rope);
  [[nodiscard]] int64_t tree_depth(std::span<const StepRow> rows);
  void count_row(const StepRow& row) const;
  void embed(std::span<const StepRow> rows, float* hidden);
  /// Rows that go through a layer together.
  struct Strip {
    std::span<const StepRow> rows;
    size_t first;  // of the pass's rows
    StripBuffers& work;
  };
  [[nodiscard]] size_t strip_rows(size_t rows) const;
  void for_each_strip(std::span<const StepRow> rows, FunctionRef<void(const Strip&)> body);
  [[nodiscard]] float* hidden_of(const Strip& strip);
  void begin_layer(const Strip& strip, size_t layer);
  void end_layer(const Strip& strip, size_t layer);
  void feed_forward_block(const Strip& strip, size_t layer);
  void run_head(std::span<const StepRow> rows,
                size_t first_row,
                const float* hidden,
                const LogitsVisitor& visit);
  void normalise_heads(
      const NormWeights& norm, HeadNorm kind, int64_t heads, int64_t head_dim, float* row) const;
  void rotate_heads(float* row, int64_t heads, int64_t head_dim, const RopeArgs& args) const;
  void rotate_dual_chunk(float* q, size_t i, size_t layer);
  void rotate_and_store(const Strip& strip, size_t layer, float* q, float* k, const float* v);
  size_t list_queries(const Strip& strip, size_t layer, float* out);
  void attend(const Strip& strip, size_t layer, float* out);
  void attend_in_parts(StripBuffers& buffers, const AttentionShape& shape, size_t work);

  ActivationRows run_gate(StripBuffers& work,
                          const FeedForwardWeights& weights,
                          GateKind activation,
                          int64_t width,
                          const ActivationRows& input);
  void run_feed_forward(StripBuffers& work,
                        const FeedForwardWeights& weights,
                        GateKind activation,
                        int64_t width,
                        const ActivationRows& input,
                        float* out);
  void route(StripBuffers& work,
             const PackedMatrix& router,
             const ExpertsDescription& experts,
             const ActivationRows& input);
  ActivationRows gather_rows(StripBuffers& work,
                             const ActivationRows& input,
                             std::span<const ExpertRows::Entry> entries);
  void run_experts(StripBuffers& work,
                   const LayerWeights& weights,
                   const FeedForwardDescription& ff,
                   const ActivationRows& input,
                   float* sum);
  void add_shared_expert(StripBuffers& work,
                         const LayerWeights& weights,
                         const FeedForwardDescription& ff,
                         const ActivationRows& input,
                         float* sum);

  [[nodiscard]] NormArgs norm_args(const NormWeights& norm) const;
  ActivationRows block_input(StripBuffers& work,
                             const float* hidden,
                             int64_t rows,
                             const NormWeights& norm);
  void add_block_output(StripBuffers& work,
                        const LinearWeights& weights,
                        const ActivationRows& input,
                        const NormWeights& norm,
                        float* hidden);
  void add_rows(size_t rows, const NormWeights& norm, float* block, float* hidden);
  [[nodiscard]] AttentionShape shape_of(const AttentionDescription& attention) const;

  ModelDescription description_;
  Weights weights_;
  KvPool kv_pool_;
  std::vector<RopeTable> rope_tables_;
  std::vector<size_t> rope_of_layer_;
  DualChunkDescription dual_chunk_;
  size_t query_floats_ = 0;  // of a row in the layer with the widest queries
  bool in_strips_ = true;    // whether many rows are cut into strips
  int64_t long_from_ = 0;    // LongRoPE: sequences longer than this use the long factors; 0 = none
  Workspace work_;
};

}  // namespace cupel::engine
