// What raters said of answers, as the tensors that losses read.
#include <algorithm>
#include <cmath>

#include "align/objectives/answers.h"
#include "base/error.h"
#include "train/loop/batch_pass.h"

namespace cupel::align {
namespace {

using train::ExampleGroup;
using Ids = std::vector<std::string_view>;

/// All of them, none of them, or the error.
Result<at::Tensor> all_or_none(const LossInfo& info,
                               std::string_view what,
                               const std::vector<double>& values,
                               const Ids& ids) {
  size_t absent = 0;
  size_t first_absent = 0;
  for (size_t i = values.size(); i-- > 0;) {
    if (std::isnan(values[i])) {
      ++absent;
      first_absent = i;
    }
  }
  if (absent == values.size()) {
    return at::Tensor();
  }
  if (absent > 0) {
    return invalid_argument("row {} has no {}, and other rows have; {} needs it of all or of none",
                            ids[first_absent], what, info.name);
  }
  return train::double_tensor(values);
}

/// NaN where there is none. Of ranked rows the order is what counts: without scores the first is
/// the best.
double score_of(const LossInfo& info, const ExampleGroup& group, int64_t answer) {
  const auto index = static_cast<size_t>(answer);
  const double score = index < group.scores.size() ? group.scores[index] : std::nan("");
  return std::isnan(score) && info.form == LossForm::kRanked ? -static_cast<double>(answer) : score;
}

/// Of either kind that may rate a pair margins come first.
bool skips_scores(const LossReads& reads, bool has_margins) {
  return reads.scores == Use::kNo || (reads.scores == Use::kMay && has_margins);
}

}  // namespace

Result<Ok> check_ratings(const LossInfo& info,
                         const LossOptions& options,
                         const train::DataSet& data) {
  const LossReads reads = reads_of(info, options);
  Ids ids;
  std::vector<double> margins;
  std::vector<std::vector<double>> scores;  // by place of the answer
  std::vector<Ids> scored;
  for (const ExampleGroup& group : data.groups) {
    ids.emplace_back(group.id);
    margins.push_back(group.margin);
    for (size_t answer = 0; answer < group.answers.size(); ++answer) {
      scores.resize(std::max(scores.size(), answer + 1));
      scored.resize(scores.size());
      scores[answer].push_back(score_of(info, group, static_cast<int64_t>(answer)));
      scored[answer].emplace_back(group.id);
    }
  }
  bool has_margins = false;
  if (reads.margins != Use::kNo) {
    CUPEL_TRY(const at::Tensor found, all_or_none(info, "margin", margins, ids));
    has_margins = found.defined();
  }
  if (skips_scores(reads, has_margins)) {
    return Ok{};
  }
  for (size_t answer = 0; answer < scores.size(); ++answer) {
    CUPEL_TRY_VOID(all_or_none(info, "score", scores[answer], scored[answer]));
  }
  return Ok{};
}

Result<Ok> add_ratings(const LossInfo& info,
                       const LossOptions& options,
                       const AnswerRoles& roles,
                       const train::DataSet& data,
                       const train::PackedBatch& packed,
                       LossBatch& batch) {
  Ids ids;
  std::vector<double> margins;
  std::vector<double> ties;
  for (const int64_t item : roles.items) {
    const ExampleGroup& group = data.groups[static_cast<size_t>(item)];
    ids.push_back(group.id);
    margins.push_back(group.margin);
    ties.push_back(group.tie ? 1 : 0);
    batch.names.push_back(group.id);
    if (group.tie && info.form != LossForm::kTernary) {
      return invalid_argument("row {} is a tie; {} learns from pairs that were decided", group.id,
                              info.name);
    }
  }
  const LossReads reads = reads_of(info, options);
  if (reads.margins != Use::kNo) {
    CUPEL_TRY(batch.margins, all_or_none(info, "margin", margins, ids));
  }
  if (info.form == LossForm::kTernary) {
    batch.ties = train::double_tensor(ties).to(at::kBool);
  }
  if (skips_scores(reads, batch.margins.defined())) {
    return Ok{};
  }
  for (size_t i = 0; i < kRoles; ++i) {
    std::vector<double> scores;
    Ids rows;
    for (const size_t index : roles.documents[i]) {
      const train::PackedDocument& document = packed.documents[index];
      const ExampleGroup& group = data.groups[static_cast<size_t>(document.item)];
      scores.push_back(document.answer < 0 ? std::nan("") : score_of(info, group, document.answer));
      rows.emplace_back(group.id);
    }
    if (!scores.empty() && static_cast<Role>(i) != Role::kPrompt) {
      CUPEL_TRY(batch.roles[i].scores, all_or_none(info, "score", scores, rows));
    }
  }
  return Ok{};
}

}  // namespace cupel::align
