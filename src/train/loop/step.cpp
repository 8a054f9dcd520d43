#include "train/loop/step.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "tensor/autograd.h"
#include "tensor/guard.h"
#include "train/parallel/gradients.h"

namespace cupel::train {
namespace {

/// More micro-batches than a process has in any step.
constexpr uint64_t kDrawsPerStep = uint64_t{1} << 24U;

uint64_t draw_of(int64_t step, int64_t rank, int64_t ranks, size_t micro) {
  return static_cast<uint64_t>(step) * kDrawsPerStep +
         static_cast<uint64_t>(micro) * static_cast<uint64_t>(ranks) + static_cast<uint64_t>(rank);
}

/// What a rank computes of a micro-batch, without draws; `begins` are those of the rank.
MicroBatch micro_batch_of(const StepPlan& plan,
                          size_t micro,
                          int64_t rank,
                          const std::vector<int64_t>& begins) {
  const auto of_rank = static_cast<size_t>(rank);
  return {.pieces = plan.micro_batches[micro][of_rank],
          .bin_of = plan.bin_of[micro][of_rank],
          .draw = {},
          .begin = begins[micro]};
}

void add_metrics(std::vector<MetricSum>& sums, std::vector<MetricSum> more) {
  for (MetricSum& metric : more) {
    auto found = std::find_if(sums.begin(), sums.end(),
                              [&](const MetricSum& one) { return one.name == metric.name; });
    if (found == sums.end()) {
      sums.push_back(std::move(metric));
    } else {
      found->sum += metric.sum;
      found->count += metric.count;
    }
  }
}

/// For each micro-batch of a process how many pieces of the step come before it, and last how many
/// there are.
std::vector<int64_t> begins_of(const StepPlan& plan, int64_t rank) {
  std::vector<int64_t> begins;
  int64_t pieces = 0;
  for (const auto& ranks : plan.micro_batches) {
    for (size_t r = 0; r < ranks.size(); ++r) {
      if (static_cast<int64_t>(r) == rank) {
        begins.push_back(pieces);
      }
      pieces += static_cast<int64_t>(ranks[r].size());
    }
  }
  begins.push_back(pieces);
  return begins;
}

}  // namespace

Result<Ok> StepRunner::take_survey(const StepPlan& plan, int64_t step) {
  const tensor::RecordingGuard off(false);
  const auto width = static_cast<size_t>(objective_->survey_width());
  const std::vector<int64_t> begins = begins_of(plan, collective_->rank());
  // Zeros where the numbers of other processes belong: the sum is exact.
  std::vector<double> all(static_cast<size_t>(begins.back()) * width);
  for (size_t micro = 0; micro < plan.micro_batches.size(); ++micro) {
    MicroBatch batch = micro_batch_of(plan, micro, collective_->rank(), begins);
    if (batch.pieces.empty()) {
      continue;
    }
    CUPEL_TRY(const std::vector<double> own, objective_->survey(batch));
    CUPEL_CHECK(own.size() == batch.pieces.size() * width, "a survey has numbers of each piece");
    std::ranges::copy(own, all.begin() + begins[micro] * static_cast<int64_t>(width));
  }
  CUPEL_TRY_VOID(collective_->sum(all, format("the survey of step {}", step)));
  objective_->set_survey(all);
  return Ok{};
}

void StepRunner::collect() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor& gradient = parameters_[i].mutable_grad();
    if (!gradient.defined()) {
      continue;
    }
    if (gradient.scalar_type() != at::kBFloat16) {
      gradients_[i] = gradient;  // libtorch sums into it
      continue;
    }
    // Sums of bf16 would lose digits.
    if (gradients_[i].defined()) {
      gradients_[i].add_(gradient);
    } else {
      gradients_[i] = gradient.to(at::kFloat);
    }
    gradient.reset();
  }
}

Result<StepResult> StepRunner::run(const StepPlan& plan, int64_t step, bool training) {
  CUPEL_TRY(const std::vector<double> counts, objective_->begin_step(plan));
  if (objective_->survey_width() > 0) {
    CUPEL_TRY_VOID(take_survey(plan, step));
  }
  const std::vector<int64_t> begins = begins_of(plan, collective_->rank());
  StepResult result;
  std::vector<double> numerators(counts.size());
  for (size_t micro = 0; micro < plan.micro_batches.size(); ++micro) {
    MicroBatch batch = micro_batch_of(plan, micro, collective_->rank(), begins);
    if (batch.pieces.empty()) {
      continue;
    }
    if (training) {
      batch.draw = draw_of(step, collective_->rank(), collective_->size(), micro);
    }
    CUPEL_TRY(Contribution part, objective_->run(batch));
    at::Tensor loss;
    for (size_t term = 0; term < counts.size(); ++term) {
      const at::Tensor& numerator = part.numerators[term];
      numerators[term] += numerator.detach().item<double>();
      if (counts[term] > 0) {
        const at::Tensor mean = numerator / counts[term];
        loss = loss.defined() ? loss + mean : mean;
      }
    }
    if (training && loss.defined() && loss.requires_grad()) {
      loss.backward();
      collect();
    }
    const DataSize size = objective_->size_of(batch.pieces);
    result.size.samples += size.samples;
    result.size.tokens += size.tokens;
    result.size.labels += size.labels;
    add_metrics(result.metrics, std::move(part.metrics));
  }
  CUPEL_TRY_VOID(reduce(result, numerators, step));
  for (size_t term = 0; term < counts.size(); ++term) {
    result.loss += counts[term] > 0 ? numerators[term] / counts[term] : 0;
  }
  return result;
}

Result<Ok> StepRunner::reduce(StepResult& result, std::vector<double>& numerators, int64_t step) {
  if (collective_->size() == 1) {
    return Ok{};
  }
  // Names of metrics may differ between processes: one may have had no micro-batch.
  std::string names;
  for (const MetricSum& metric : result.metrics) {
    names += metric.name + '\n';
  }
  CUPEL_TRY(const std::vector<std::string> all,
            collective_->gather(names, format("the metrics of step {}", step)));
  std::vector<MetricSum> merged;
  for (const std::string& text : all) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      add_metrics(merged, {{.name = text.substr(begin, end - begin)}});
      begin = end + 1;
    }
  }
  add_metrics(merged, std::move(result.metrics));
  result.metrics = std::move(merged);
  std::vector<double> numbers = numerators;
  for (const MetricSum& metric : result.metrics) {
    numbers.insert(numbers.end(), {metric.sum, metric.count});
  }
  for (const int64_t count : {result.size.samples, result.size.tokens, result.size.labels}) {
    numbers.push_back(static_cast<double>(count));
  }
  CUPEL_TRY_VOID(collective_->sum(numbers, format("the numbers of step {}", step)));
  size_t at = 0;
  for (double& numerator : numerators) {
    numerator = numbers[at++];
  }
  for (MetricSum& metric : result.metrics) {
    metric.sum = numbers[at++];
    metric.count = numbers[at++];
  }
  for (int64_t* count : {&result.size.samples, &result.size.tokens, &result.size.labels}) {
    *count = static_cast<int64_t>(numbers[at++]);
  }
  return Ok{};
}

void StepRunner::clear() {
  for (const at::Tensor& parameter : parameters_) {
    parameter.mutable_grad().reset();
  }
  gradients_.assign(parameters_.size(), at::Tensor());
}

Result<StepResult> StepRunner::train(const StepPlan& plan, int64_t step) {
  return tensor::guard([&]() -> Result<StepResult> {
    clear();
    CUPEL_TRY(StepResult result, run(plan, step, true));
    CUPEL_TRY_VOID(sum_gradients(*collective_, gradients_, parameters_,
                                 format("the gradients of step {}", step)));
    return result;
  });
}

Result<StepResult> StepRunner::evaluate(const StepPlan& plan, int64_t step) {
  return tensor::guard([&]() -> Result<StepResult> {
    const tensor::RecordingGuard off(false);
    return run(plan, step, false);
  });
}

}  // namespace cupel::train
