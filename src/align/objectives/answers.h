#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "align/losses/loss.h"
#include "base/result.h"
#include "tensor/tensor.h"
#include "train/data/data_set.h"
#include "train/data/packed_batch.h"

namespace cupel::align {

/// The answers of a batch of groups, sorted into the roles that a loss knows.
///
/// Pairs: answer 0 is chosen, 1 rejected. Unpaired: chosen or rejected, by the row's label. Ranked:
/// all are responses, the best first by score (as they stand in rows without any).
struct AnswerRoles {
  /// For each role the documents of the batch, row by row.
  std::array<std::vector<size_t>, kRoles> documents;
  std::vector<int64_t> group;  ///< of each response
  std::vector<int64_t> items;  ///< of each group, in order
};

/// Errors: kInvalidArgument - a row of another form than the loss needs, or a ranked one of which
/// some answers alone have scores, by its id.
Result<AnswerRoles> answer_roles(const LossInfo& info,
                                 const train::DataSet& data,
                                 const train::PackedBatch& batch,
                                 bool with_prompts);

/// Labels of a batch of groups: those of the answers, and where asked for the tokens of the shared
/// prompts (its last one predicts the answers, so the last label of a prompt is its own last
/// token).
std::vector<int32_t> answer_labels(const train::PackedBatch& batch, bool with_prompts);

/// Numbers [T] of the tokens of a batch as the [B,T] of a role.
struct FlatLogps {
  at::Tensor policy;     ///< [T]
  at::Tensor reference;  ///< [T] or undefined
};
/// The batch that a loss over token log-probs sees. Gradients flow from it to `logps.policy`.
LossBatch token_batch(const AnswerRoles& roles,
                      const train::PackedBatch& batch,
                      std::span<const int32_t> labels,
                      const FlatLogps& logps);

/// Whether all rows of a data set have the margins and scores that the loss reads under its
/// parameters, or none has: parts of it, however small, then never differ in that.
/// Errors: kInvalidArgument - some rows have them and this one has not.
Result<Ok> check_ratings(const LossInfo& info,
                         const LossOptions& options,
                         const train::DataSet& data);

/// Adds margins, scores and ties where the loss reads them under its parameters and the rows have
/// them; scores that may be read are left out beside margins. Errors: those of check_ratings.
Result<Ok> add_ratings(const LossInfo& info,
                       const LossOptions& options,
                       const AnswerRoles& roles,
                       const train::DataSet& data,
                       const train::PackedBatch& packed,
                       LossBatch& batch);

}  // namespace cupel::align
