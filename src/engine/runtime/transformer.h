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
#include "engine/checkpoint/gguf.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"
#include "engine/model/weights.h"
#include "engine/runtime/kv_pool.h"
#include "engine/runtime/rope_table.h"
#include "engine/runtime/sequence_state.h"
#include "engine/runtime/workspace.h"

namespace cupel::engine {

/// Raised with every change of the arithmetic that changes outputs, so that caches and runs made
/// before do not pass for the same model.
constexpr int kArithmeticVersion = 4;

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
/// `row` counts all rows of the step; `logits` is [V] and may be changed by the visitor.
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
class Transformer {
 public:
  /// Errors: those of describe_model and load_weights. `file` may be closed afterwards.
  static Result<std::unique_ptr<Transformer>> load(const GgufFile& file,
                                                   const EngineOptions& options);

  [[nodiscard]] const ModelDescription& description() const { return description_; }
  [[nodiscard]] const Weights& weights() const { return weights_; }
  [[nodiscard]] const Operators& operators() const { return *operators_; }
  [[nodiscard]] KvPool& kv_pool() { return kv_pool_; }
  [[nodiscard]] ThreadPool& threads() { return *threads_; }
  [[nodiscard]] SequenceState new_sequence() { return SequenceState(kv_pool_); }

  /// Runs all rows; afterwards every sequence is longer by its rows that are not in a tree.
  /// Errors: kInvalidArgument - a token outside the vocabulary, or rows that are no tree;
  /// kExhausted - cache full (sequences then have the length they had at the last finished
  /// micro-batch).
  Result<Ok> step(std::span<const StepRow> rows,
                  const LogitsVisitor& visit,
                  const HiddenTaps* taps = nullptr);

  /// Keeps the tree rows `path` of the sequence's last step, from the root down: indices among the
  /// sequence's rows, each the parent of the next. The sequence is longer by them.
  /// Errors: kInvalidArgument - indices that do not ascend or were not in that step.
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
  void embed(std::span<const StepRow> rows, float* hidden);
  void attention_block(std::span<const StepRow> rows, size_t layer, float* hidden);
  void feed_forward_block(size_t rows, size_t layer, float* hidden);
  void run_head(std::span<const StepRow> rows,
                size_t first_row,
                const float* hidden,
                const LogitsVisitor& visit);
  void rotate_and_store(
      std::span<const StepRow> rows, size_t layer, float* q, float* k, const float* v);
  void attend(std::span<const StepRow> rows, size_t layer, const float* q, float* out);
  void norm_rows(const float* x, const std::vector<float>& weight, const ActivationBuffer& out);
  void quantise_rows(const ActivationBuffer& buffer);
  void sort_rows(const ActivationBuffer& buffer) const;
  void add_normed(size_t rows, const std::vector<float>& norm, float* block, float* hidden);
  /// Row groups of a weight.
  [[nodiscard]] size_t row_groups(const PackedMatrix& weight) const;
  /// body(begin, end) over all row groups, in pieces that suit one or many rows of activations.
  void for_each_run(size_t groups, bool one_row, FunctionRef<void(size_t, size_t)> body);
  void run_linears(std::span<const LinearArgs> jobs);
  void run_gated(const GatedLinearArgs& args);
  /// body(i) for i in [0, count): on all threads when `work` (rough multiply-adds) is worth a fork.
  void for_each(size_t count, size_t work, FunctionRef<void(size_t)> body);
  [[nodiscard]] bool int8() const { return activations_ == Activations::kInt8; }
  [[nodiscard]] AttentionShape shape_of(const AttentionDescription& attention) const;

  ModelDescription description_;
  Activations activations_;
  const Operators* operators_;
  std::unique_ptr<ThreadPool> threads_;
  Weights weights_;
  KvPool kv_pool_;
  std::vector<RopeTable> rope_tables_;
  std::vector<size_t> rope_of_layer_;
  Workspace work_;
};

}  // namespace cupel::engine
