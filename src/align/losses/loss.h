#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "align/losses/batch.h"
#include "align/losses/options.h"
#include "base/result.h"

namespace cupel::align {

/// What one group of a batch is.
enum class LossForm {
  kSingle,    ///< one sequence
  kPairwise,  ///< chosen and rejected, and what else the loss names, row by row
  kTernary,   ///< a pair, or a tie
  kUnpaired,  ///< desirable and undesirable sequences, as many as there are
  kRanked,    ///< K members of one prompt, the best first
  kSampled,   ///< completions that the policy sampled, with scores; those of one prompt are a group
};

/// What the numbers of `RoleBatch::policy` are.
enum class LossInput {
  kTokenLogps,  ///< log-probs of tokens
  kOutputs,     ///< what a head gives for a sequence: one reward, or one number for each attribute
};

/// Whether a loss reads something.
enum class Use { kNo, kMay, kMust };

/// Which of the things that a batch may hold a loss reads.
struct LossReads {
  Use reference = Use::kNo;
  Use old = Use::kNo;
  Use scores = Use::kNo;
  Use margins = Use::kNo;
  Use target_prob = Use::kNo;
  std::span<const Role> roles = {};  ///< those it cannot do without, besides the ones of its form
  std::span<const Role> may_roles = {};
  std::span<const Role> without_reference = {};  ///< roles whose reference is not read
  bool scores_inside = false;  ///< scores may be [B,T], one for each token or output; else [B]
  bool whole_groups = false;   ///< compares the members of a group, so that two are the least
};

/// A part of a loss that is averaged by its own rule: the loss is Σ over parts of numerator ÷
/// count, where both are summed over micro-batches and processes first. A mean of means would be
/// another function.
struct TermSpec {
  std::string_view name = "preference";
  bool per_token = false;     ///< count: tokens of `role` (by their weights); else groups
  Role role = Role::kChosen;  ///< whose tokens
  double prompt_weight = 0;   ///< what a token of Role::kPrompt adds to the count
};

/// A quantity for the log, without gradient; what is shown is Σ values ÷ Σ counts.
struct LossMetric {
  std::string name;
  at::Tensor values;       ///< [n]
  at::Tensor counts = {};  ///< [n]; undefined: 1 each
};

/// What `LossInfo::run` returns.
struct LossOutput {
  std::vector<at::Tensor> terms;  ///< as many as TermSpecs, each [n]: summands of the numerator
  at::Tensor chosen_reward;       ///< implicit rewards, detached, [rows of chosen]; or undefined
  at::Tensor rejected_reward;
  std::vector<LossMetric> metrics = {};
};

struct LossInfo;
std::vector<TermSpec> one_term(const LossOptions& options);

/// One loss. Adding one: a file in losses/, a line in registry.def, a test of its own numbers; the
/// registry-wide suite (tests/align/registry_test.cpp) then checks gradients, padding, batch order,
/// saturation and metadata.
struct LossInfo {
  std::string_view name;     ///< as in registry.def
  std::string_view summary;  ///< one line for help and docs
  std::string_view formula;  ///< of one group, in the symbols of docs/losses.md
  std::string_view source;   ///< paper and place
  LossForm form = LossForm::kPairwise;
  LossInput input = LossInput::kTokenLogps;
  LossReads reads = {};
  std::span<const LossParameter> parameters = {};
  /// A factor that depends on the policy is held constant, so the gradient is not that of the
  /// value.
  bool surrogate = false;

  /// `reads` under some parameters, where these decide. Null: it is always that. Call `reads_of`.
  LossReads (*reads_with)(LossReads reads, const LossOptions& options) = nullptr;
  /// What only this loss can say about a batch; shapes and finiteness are checked before. Null:
  /// nothing.
  Result<Ok> (*check)(const LossBatch& batch, const LossOptions& options) = nullptr;
  std::vector<TermSpec> (*terms)(const LossOptions& options) = &one_term;
  /// What a loss must know of a whole optimiser step before any part of it is computed: numbers
  /// [n,survey_width] of the rows of a batch, of which `LossBatch::survey` holds those of all
  /// batches. Null: nothing, each group is its own.
  at::Tensor (*survey)(const LossBatch& batch, const LossOptions& options) = nullptr;
  int64_t survey_width = 0;
  /// The loss of a batch that was checked; pure. Call `run_loss` instead.
  LossOutput (*run)(const LossBatch& batch, const LossOptions& options) = nullptr;

  /// Whether its survey is of answers of other prompts, which are no rows of the batch.
  [[nodiscard]] bool reads_mismatched() const {
    return std::ranges::find(reads.may_roles, Role::kMismatched) != reads.may_roles.end();
  }
};

/// What a loss reads under some parameters: reference, ratings or labels may be needless or a must.
LossReads reads_of(const LossInfo& info, const LossOptions& options);

}  // namespace cupel::align
