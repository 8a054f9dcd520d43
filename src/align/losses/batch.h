#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace cupel::align {

// Letters: B sequences of a role, T tokens of the longest, G groups (of a pairwise batch one group
// is a pair, and row g of every role belongs to group g).

/// What a sequence is to a loss.
enum class Role {
  kChosen,    ///< the preferred completion; the desirable ones of unpaired data; the text that SFT
              ///< learns
  kRejected,  ///< the other completion; the undesirable ones of unpaired data
  kGold,      ///< a third completion to be learnt as it is
  kSourceChosen,  ///< the best completion of another model
  kExplore,       ///< a completion sampled from the reference
  kMismatched,    ///< completions of other prompts, from which KTO estimates how far the policy has
                  ///< drifted
  kPrompt,        ///< tokens of the prompt that is chosen's
  kResponse,      ///< members of groups of one prompt, of a ranked group the best first;
                  ///< `LossBatch::group` says which is whose
};
inline constexpr size_t kRoles = 8;
/// "chosen", "source_chosen", …: the key in files and messages.
std::string_view role_name(Role role);

/// The sequences of one role.
struct RoleBatch {
  at::Tensor policy;  ///< [B,T] log-probs of the policy in nats, 0 where `mask` is false; gradients
                      ///< flow here. Of losses over the outputs of a head: its numbers
  at::Tensor reference;  ///< [B,T] log-probs of the reference, without gradient; or undefined
  at::Tensor old;   ///< [B,T] log-probs of the policy that sampled the sequences, without gradient;
                    ///< or undefined
  at::Tensor mask;  ///< [B,T] bool, true on the tokens of the completion (its end-of-turn token is
                    ///< one of them)
  at::Tensor weights;  ///< [B,T] factor of each token in sums and counts, policy and reference;
                       ///< undefined: 1
  at::Tensor scores;   ///< [B] what a rater gave each sequence; [B,T] ratings of attributes, NaN
                       ///< where there is none; or undefined

  [[nodiscard]] bool present() const { return policy.defined(); }
  [[nodiscard]] int64_t rows() const { return present() ? policy.size(0) : 0; }
};

/// All that a loss sees. It never sees logits or ids, so it is a pure function.
struct LossBatch {
  std::array<RoleBatch, kRoles> roles;
  at::Tensor margins;      ///< [G] by how much chosen is better, in the loss's unit; or undefined
  at::Tensor target_prob;  ///< [G] probability that chosen is the better one; undefined: 1
  at::Tensor ties;         ///< [G] bool, or undefined: none
  std::vector<std::string> names;  ///< of the groups, for messages; empty: they are numbered
  at::Tensor group;                ///< [B] int64 of Role::kResponse, ascending from 0; or undefined
  /// Numbers [N,k] of all rows of the optimiser step that the loss takes as constants
  /// (LossInfo::survey says which), in the order of the step; undefined: this batch is the step.
  at::Tensor survey;
  int64_t survey_begin = 0;  ///< which row of `survey` is this batch's first

  [[nodiscard]] RoleBatch& operator[](Role role) { return roles[static_cast<size_t>(role)]; }
  [[nodiscard]] const RoleBatch& operator[](Role role) const {
    return roles[static_cast<size_t>(role)];
  }
};

}  // namespace cupel::align
