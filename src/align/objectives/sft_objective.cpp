#include "align/objectives/sft_objective.h"

#include <array>
#include <cmath>

#include "base/error.h"
#include "base/named_values.h"
#include "base/rng.h"
#include "train/data/order.h"
#include "train/loop/batch_pass.h"

namespace cupel::align {
namespace {

using train::PackedBatch;
using train::PackedDocument;
using train::Piece;

constexpr std::array<std::string_view, 3> kReductions = {"tokens", "sequences", "samples"};

double sum_of(const at::Tensor& values) {
  return values.detach().sum(at::kDouble).item<double>();
}

}  // namespace

Result<Reduction> parse_reduction(std::string_view name) {
  return parse_enum<Reduction>(name, kReductions, "loss.reduction");
}

SftObjective::Labels SftObjective::labels_of(const Piece& piece) const {
  const double weighted = train::count_labels(data_->examples, {&piece, 1}).weight;
  const double row = data_->examples[static_cast<size_t>(piece.item)].weight;
  return {.weighted = weighted, .plain = row > 0 ? weighted / row : 0};
}

Result<std::vector<double>> SftObjective::begin_step(const train::StepPlan& plan) {
  bin_labels_.clear();
  double tokens = 0;
  double samples = 0;
  double sequences = 0;
  for (const train::Bin& bin : plan.bins) {
    Labels of_bin;
    for (const Piece& piece : bin) {
      const Labels of_piece = labels_of(piece);
      samples += of_piece.share();
      of_bin.weighted += of_piece.weighted;
      of_bin.plain += of_piece.plain;
    }
    tokens += of_bin.weighted;
    sequences += of_bin.share();
    bin_labels_.push_back(of_bin.plain);
  }
  switch (options_.reduction) {
    case Reduction::kTokens:
      return std::vector{tokens};
    case Reduction::kSequences:
      return std::vector{sequences};
    case Reduction::kSamples:
      break;
  }
  return std::vector{samples};
}

std::vector<double> SftObjective::factors(const PackedBatch& batch,
                                          std::span<const int64_t> bin_of) const {
  std::vector<double> result(batch.weights.begin(), batch.weights.end());
  if (options_.reduction == Reduction::kTokens) {
    return result;
  }
  for (size_t i = 0; i < batch.documents.size(); ++i) {
    const PackedDocument& document = batch.documents[i];
    const Piece piece{.item = document.item,
                      .begin = document.first_token,
                      .end = document.first_token + document.end - document.begin};
    const double unit = options_.reduction == Reduction::kSamples
                            ? labels_of(piece).plain
                            : bin_labels_[static_cast<size_t>(bin_of[i])];
    for (int64_t at = document.begin; at < document.end; ++at) {
      double& factor = result[static_cast<size_t>(at)];
      factor = factor == 0 ? 0 : factor / unit;
    }
  }
  return result;
}

at::Tensor embedding_noise(
    const PackedBatch& batch, int64_t width, double alpha, uint64_t seed, uint64_t draw) {
  at::Tensor result = at::empty({batch.tokens(), width}, at::kFloat);
  auto* out = result.mutable_data_ptr<float>();
  const uint64_t stream = train::stream_id("neftune") ^ mix64(draw);
  uint64_t index = 0;
  for (const PackedDocument& document : batch.documents) {
    const auto length = static_cast<double>(document.end - document.begin);
    const double bound = alpha / std::sqrt(length * static_cast<double>(width));
    const auto numbers = static_cast<uint64_t>((document.end - document.begin) * width);
    for (uint64_t i = 0; i < numbers; ++i, ++index) {
      *out++ = static_cast<float>(bound * (2 * random_unit(seed, stream, index) - 1));
    }
  }
  return result;
}

/// What each label of a batch is of: calls visit(row of the batch, role) where examples say so.
template <typename Visit>
void for_each_label_role(const train::DataSet& data, const PackedBatch& batch, const Visit& visit) {
  for (const PackedDocument& document : batch.documents) {
    const auto& roles = data.examples[static_cast<size_t>(document.item)].roles;
    for (int64_t i = document.begin; i + 1 < document.end && !roles.empty(); ++i) {
      visit(i, roles[static_cast<size_t>(document.first_token + i + 1 - document.begin)]);
    }
  }
}

at::Tensor SftObjective::labels_of_role(const PackedBatch& batch, train::TokenRole role) const {
  std::vector<double> values(batch.ids.size());
  for_each_label_role(*data_, batch, [&](int64_t row, train::TokenRole of) {
    values[static_cast<size_t>(row)] = of == role ? 1 : 0;
  });
  return train::double_tensor(values);
}

std::vector<int32_t> SftObjective::labels_looked_at(const PackedBatch& batch, bool training) const {
  std::vector<int32_t> labels = batch.labels;
  if (!training) {
    for_each_label_role(*data_, batch, [&](int64_t row, train::TokenRole of) {
      if (of != train::TokenRole::kTemplate) {
        labels[static_cast<size_t>(row)] = batch.ids[static_cast<size_t>(row) + 1];
      }
    });
  }
  return labels;
}

Result<train::Contribution> SftObjective::run(const train::MicroBatch& batch) {
  const PackedBatch packed = train::pack_examples(data_->examples, batch.pieces);
  train::ForwardOptions forward{.embedding_noise = {}, .dropout = batch.draw};
  if (batch.draw && options_.neftune_alpha > 0) {
    const at::Tensor& like = learner_->twin().embedding().weight;
    forward.embedding_noise = embedding_noise(packed, learner_->model().description.width,
                                              options_.neftune_alpha, options_.seed, *batch.draw)
                                  .to(like.device(), like.scalar_type());
  }
  CUPEL_TRY(const train::HeadLogps head,
            train::batch_logps(
                learner_->twin(), packed, labels_looked_at(packed, batch.draw.has_value()), forward,
                {.mean_logps = options_.label_smoothing > 0, .entropy = !batch.draw, .top = true}));
  const auto options = head.logps.options();
  const at::Tensor factor = train::double_tensor(factors(packed, batch.bin_of)).to(options);
  const at::Tensor counted = train::float_tensor(packed.weights).to(options);
  at::Tensor nll = -head.logps;
  if (options_.dft) {
    nll = nll * head.logps.detach().exp();
  }
  if (options_.label_smoothing > 0) {
    nll = (1 - options_.label_smoothing) * nll - options_.label_smoothing * head.mean_logps;
  }
  if (options_.z_loss > 0) {
    nll = nll + options_.z_loss * head.log_sums.square();
  }
  train::Contribution result;
  const double weight = sum_of(counted);
  result.metrics = {
      {.name = "nll", .sum = -sum_of(head.logps * counted), .count = weight},
      {.name = "mean_token_accuracy", .sum = sum_of(head.top * counted), .count = weight}};
  if (!batch.draw) {
    result.metrics.push_back(
        {.name = "entropy", .sum = sum_of(head.entropy * counted), .count = weight});
    for (const auto& [name, role] :
         {std::pair{"nll/completion", train::TokenRole::kCompletion},
          std::pair{"nll/instruction", train::TokenRole::kInstruction}}) {
      const at::Tensor of_role = labels_of_role(packed, role).to(options);
      result.metrics.push_back(
          {.name = name, .sum = -sum_of(head.logps * of_role), .count = sum_of(of_role)});
    }
  }
  if (reference_ != nullptr) {
    const at::Tensor ratio =
        head.logps - train::float_tensor(reference_->of_batch(packed, packed.labels)).to(options);
    result.metrics.push_back({.name = "kl", .sum = sum_of(ratio * counted), .count = weight});
    if (options_.kl_to_init > 0) {
      nll = nll + options_.kl_to_init * ratio;
    }
  }
  result.numerators = {(nll * factor).sum()};
  return result;
}

train::DataSize SftObjective::size_of(std::span<const Piece> pieces) const {
  train::DataSize size;
  for (const Piece& piece : pieces) {
    ++size.samples;
    size.tokens += piece.length();
  }
  size.labels = train::count_labels(data_->examples, pieces).labels;
  return size;
}

std::vector<std::string> SftObjective::row_ids(std::span<const Piece> pieces) const {
  std::vector<std::string> ids;
  for (const Piece& piece : pieces) {
    ids.push_back(data_->examples[static_cast<size_t>(piece.item)].id);
  }
  return ids;
}

}  // namespace cupel::align
