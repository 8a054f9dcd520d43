#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "align/objectives/reference_logps.h"
#include "base/result.h"
#include "train/data/data_set.h"
#include "train/loop/learner.h"
#include "train/loop/objective.h"

namespace cupel::align {

/// What the mean of the loss is over, always of the whole step.
enum class Reduction {
  kTokens,     ///< Σ w·nll ÷ Σ w
  kSequences,  ///< of the means of rows (bins), in which several texts may be packed
  kSamples,    ///< of the means of texts
};
/// "tokens", "sequences", "samples". Errors: kInvalidArgument.
Result<Reduction> parse_reduction(std::string_view name);

struct SftOptions {
  Reduction reduction = Reduction::kTokens;
  double label_smoothing = 0;  ///< ε: (1 − ε)·nll + ε · mean over the vocabulary
  double z_loss = 0;           ///< c · (log Σ exp logits)²
  bool dft = false;            ///< each nll times its own probability, held constant
  double neftune_alpha = 0;    ///< noise in ±alpha/√(length · width) on embeddings
  double kl_to_init = 0;  ///< λ · mean of log π − log π₀ over the labels; needs a reference
  uint64_t seed = 0;      ///< of the noise
};

/// NEFTune's noise [T, width] in f32 for a batch: uniform in ±alpha/√(length of the text · width),
/// a function of seed, draw and place alone.
at::Tensor embedding_noise(
    const train::PackedBatch& batch, int64_t width, double alpha, uint64_t seed, uint64_t draw);

/// Next-token loss on the weighted labels of examples (training-core §2; NEFTune: Jain et al. 2023;
/// DFT: Wu et al. 2025; KL: Shi et al. 2024).
///
/// The value is Σ c·nll ÷ n. A label has the weight w = r·l: r of its row, l by what it is of. Over
/// tokens c = w and n = Σ w. Over units c = w ÷ (Σ l of the unit), and n is the sum over units of
/// Σ w ÷ Σ l: their number, each counted by the weight of its rows. Metrics: "nll" (per label, by
/// weight, without extras), in evaluations "entropy" and, whatever is learnt, "nll/completion" and
/// "nll/instruction" of all tokens of these kinds (where examples have roles), and with a reference
/// "kl", the mean of log π − log π₀.
class SftObjective final : public train::Objective {
 public:
  /// `learner`, `data` and `reference` (null: none) must outlive the object.
  SftObjective(train::Learner& learner,
               const train::DataSet& data,
               const ReferenceLogps* reference,
               const SftOptions& options)
      : learner_(&learner), data_(&data), reference_(reference), options_(options) {}

  Result<std::vector<double>> begin_step(const train::StepPlan& plan) override;
  Result<train::Contribution> run(const train::MicroBatch& batch) override;
  [[nodiscard]] train::DataSize size_of(std::span<const train::Piece> pieces) const override;
  [[nodiscard]] std::vector<std::string> row_ids(
      std::span<const train::Piece> pieces) const override;

 private:
  /// Sums over the labels of a text or of a bin.
  struct Labels {
    double weighted = 0;  ///< Σ w
    double plain = 0;     ///< Σ l: without the weights of rows
    /// What it counts as a unit.
    [[nodiscard]] double share() const { return plain > 0 ? weighted / plain : 0; }
  };
  [[nodiscard]] Labels labels_of(const train::Piece& piece) const;
  /// The factor c of each label [T]. `bin_of` is of the batch's documents.
  [[nodiscard]] std::vector<double> factors(const train::PackedBatch& batch,
                                            std::span<const int64_t> bin_of) const;

  /// 1 where the label [T] is a token of that role, else 0.
  [[nodiscard]] at::Tensor labels_of_role(const train::PackedBatch& batch,
                                          train::TokenRole role) const;
  /// The batch's labels, and those of instructions and completions that are not learnt.
  [[nodiscard]] std::vector<int32_t> labels_looked_at(const train::PackedBatch& batch,
                                                      bool training) const;

  train::Learner* learner_;
  const train::DataSet* data_;
  const ReferenceLogps* reference_;
  SftOptions options_;
  std::vector<double> bin_labels_;  // Σ l of each bin of the step in hand
};

}  // namespace cupel::align
